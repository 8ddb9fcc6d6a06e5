import * as Effect from "effect/Effect"
import { rm } from "node:fs/promises"
import { BacklogUnreadable, type Backlog } from "./Backlog.js"
import * as Segments from "./Segments.js"
import { codeOf } from "./SystemError.js"

/** Told by a journal that was taken over. */
export interface Keeper {
  /** So many bytes less are on disk. */
  readonly freed: (bytes: number) => void
  /** This process has no more to do with it; true: nothing of it remains. */
  readonly left: (removed: boolean) => void
}

/** The journal of a process that is gone. */
export const make = (id: string, found: ReadonlyArray<Segments.Segment>, { freed, left }: Keeper): Backlog => {
  let segments = found
  const drop = (gone: (segment: Segments.Segment) => boolean): Effect.Effect<void> =>
    Effect.gen(function* () {
      for (const segment of segments.filter(gone)) {
        const removed = yield* Effect.either(Effect.tryPromise(() => rm(segment.path, { force: true })))
        // What cannot be deleted is found again at the next start, and is in the database by then.
        if (removed._tag === "Left") continue
        segments = segments.filter((other) => other !== segment)
        freed(segment.size)
      }
    })
  return {
    id,
    grows: false,
    read: (from) => reading(() => Segments.read(segments, from)),
    forget: (position) => drop(({ base, size }) => base + size <= position),
    remove: Effect.andThen(
      drop(() => true),
      () => left(segments.length === 0)
    ),
    setAside: Effect.sync(() => left(false))
  }
}

export const reading = <A>(read: () => Promise<A>): Effect.Effect<A, BacklogUnreadable> =>
  Effect.tryPromise({
    try: read,
    catch: (error) => new BacklogUnreadable({ message: `it cannot be read (${codeOf(error)})` })
  })
