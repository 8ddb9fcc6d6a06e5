import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import * as Adopted from "./Adopted.js"
import type { Backlog } from "./Backlog.js"
import { lookEvery, Runs } from "./Runs.js"
import * as Segments from "./Segments.js"
import { SegmentWriter, type Bounds } from "./SegmentWriter.js"
import { codeOf, quietly } from "./SystemError.js"
import { Waiting } from "./Waiting.js"

export interface Options extends Bounds {
  /** It is made where it does not exist, for nobody but its owner. */
  readonly directory: string
}

export const defaults: Bounds = { maxBytes: 256 * 1024 * 1024, segmentBytes: 8 * 1024 * 1024 }

/** A journal in the files of a directory. With its scope it writes what is left; what is not in the database yet stays. */
export const make = ({ directory, maxBytes, segmentBytes }: Options) =>
  Effect.gen(function* () {
    const waiting = new Waiting()
    const first = randomUUID()
    let runs = new Runs(directory, first)
    let begun = false
    let adopted: ReadonlyArray<Backlog> = []
    const count = () => (adopted.length > 0 ? Number.POSITIVE_INFINITY : writer.readable)
    const writer = new SegmentWriter(directory, runs.id, { maxBytes, segmentBytes }, () => waiting.tell(count()))
    let backlog = growing(runs.id, writer)

    const begin = (): void => {
      try {
        runs.begin()
        begun = true
        writer.trouble = undefined
      } catch (error) {
        writer.trouble = codeOf(error)
      }
    }

    /** Somebody else has the files, or nobody. */
    const renew = Effect.suspend(() => {
      runs = new Runs(directory, randomUUID())
      begun = false
      adopted = []
      writer.restart(runs.id)
      backlog = growing(runs.id, writer)
      begin()
      return Effect.logError("journal: its files were taken or deleted from outside; it goes on in new ones")
    })

    const adopt = Effect.gen(function* () {
      const owner = runs
      for (const id of yield* Effect.orElseSucceed(
        Effect.tryPromise(() => owner.adopt()),
        () => []
      )) {
        const segments = yield* Effect.either(Adopted.reading(() => Segments.find(directory, id)))
        if (segments._tag === "Left") {
          yield* Effect.logError(`journal: ${id} waits for the next start: ${segments.left.message}`)
          continue
        }
        const size = segments.right.reduce((sum, segment) => sum + segment.size, 0)
        const journal = Adopted.make(id, segments.right, {
          freed: (bytes) => {
            if (owner === runs) writer.count(-bytes)
          },
          left: (removed) => {
            adopted = adopted.filter((other) => other !== journal)
            if (removed) quietly(() => owner.release(id))
          }
        })
        writer.count(size)
        adopted = [...adopted, journal]
        yield* Effect.logInfo(`journal: took over ${id} of a process that is gone, ${size} bytes`)
      }
      waiting.tell(count())
    })

    const log = makeLog(writer)
    const clock = yield* Effect.clock
    let looked = clock.unsafeCurrentTimeMillis()
    const tend = Effect.gen(function* () {
      const now = clock.unsafeCurrentTimeMillis()
      if (!begun) begin()
      else if (!runs.beat(now)) yield* renew
      if (begun && writer.trouble !== undefined) writer.retry()
      if (now - looked >= lookEvery) {
        looked = now
        yield* adopt
      }
      yield* log
    })

    yield* Effect.acquireRelease(Effect.sync(begin), () =>
      Effect.gen(function* () {
        if (writer.close()) quietly(() => runs.release(runs.id))
        quietly(() => runs.end())
        const lost = writer.pending - writer.readable
        if (lost > 0) yield* Effect.logError(`journal: ${lost} records are lost: its disk takes nothing`)
        if (writer.readable > 0) yield* Effect.logInfo(`journal: ${writer.readable} records wait for the next start`)
      })
    )
    yield* adopt
    yield* log
    yield* Effect.forkScoped(Effect.forever(Effect.zipRight(Effect.sleep("1 second"), tend)))

    return {
      id: first,
      append: (kind: string, json: string) => writer.append(kind, json),
      appendNow: (kind: string, json: string) => writer.appendNow(kind, json),
      stats: () => ({
        pending: writer.pending,
        adopted: adopted.length,
        bytes: writer.bytes,
        dropped: writer.dropped,
        writable: writer.trouble === undefined && !writer.full
      }),
      backlogs: (): ReadonlyArray<Backlog> => [...adopted, backlog],
      ids: Adopted.reading(() => runs.journals()),
      waiting: (records: number) => waiting.until(records, count)
    }
  })

/** What this process appends, as long as the writer writes under this name. */
const growing = (id: string, writer: SegmentWriter): Backlog => ({
  id,
  grows: true,
  read: (from) =>
    Adopted.reading(async () => (writer.id === id ? writer.read(from) : { from, next: from, records: [], damaged: 0 })),
  forget: (position) =>
    Effect.sync(() => {
      if (writer.id === id) writer.forget(position)
    }),
  remove: Effect.void,
  setAside: Effect.void
})

/** Says once that records are refused, and once that they are taken again. */
const makeLog = (writer: SegmentWriter): Effect.Effect<void> => {
  let said: string | undefined
  let dropped = 0
  return Effect.suspend(() => {
    const found =
      writer.trouble === undefined ? (writer.full ? "is full" : undefined) : `cannot be written (${writer.trouble})`
    if (found === said) return Effect.void
    said = found
    if (found !== undefined) return Effect.logError(`journal: it ${found}; what the database is to know is dropped`)
    const lost = writer.dropped - dropped
    dropped = writer.dropped
    return Effect.logInfo(`journal: it takes records again, after ${lost} that it did not`)
  })
}
