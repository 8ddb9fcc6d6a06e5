import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { batchRecords, type Backlog, type Batch } from "./Backlog.js"
import { Database } from "./Database.js"
import * as Drain from "./Drain.js"
import { Journal } from "./Journal.js"

/**
 * Brings what is in the journal to the database, each record exactly once: through a crash at any moment, a restart, and a
 * `COMMIT` whose answer is lost.
 */
export class Replay extends Context.Tag("orelse/Replay")<Replay, { readonly stats: () => ReplayStats }>() {
  /**
   * As long as its scope lasts, in batches; at its end it brings what it can within 2 s. `abandon` is run in a transaction
   * when all of a journal is applied whose process is gone or ends, and perhaps again.
   */
  static readonly layer = (
    appliers: Drain.Appliers,
    abandon: Drain.Abandon = () => Effect.void
  ): Layer.Layer<Replay, never, Database | Journal> => Layer.scoped(Replay, make(appliers, abandon))
}

/** Records since the start. */
export interface ReplayStats {
  readonly applied: number
  /** Refused by the database for what they are, and dropped. */
  readonly poisoned: number
  /** Of a kind that nobody here applies: a newer version wrote them. */
  readonly unknown: number
  /** Not readable. */
  readonly damaged: number
}

const make = (appliers: Drain.Appliers, abandon: Drain.Abandon) =>
  Effect.gen(function* () {
    const database = yield* Database
    const journal = yield* Journal
    const totals = { applied: 0, poisoned: 0, unknown: 0, damaged: 0 }
    const unknownKinds = new Set<string>()

    const report = (id: string, { damaged }: Batch, { poisoned, records, unknown }: Drain.Applied) =>
      Effect.gen(function* () {
        totals.applied += records
        totals.damaged += damaged
        if (damaged > 0) yield* Effect.logError(`journal: ${damaged} lines of ${id} are damaged and were skipped`)
        for (const [what, count] of poisoned) {
          totals.poisoned += count
          yield* Effect.logError(`journal: the database refuses ${count} records of kind ${what}; they are dropped`)
        }
        for (const [kind, count] of unknown) {
          totals.unknown += count
          if (unknownKinds.has(kind)) continue
          unknownKinds.add(kind)
          yield* Effect.logWarning(`journal: records of kind ${kind} are skipped: a newer version wrote them`)
        }
      })

    const positions = new Map<string, number>()

    const ending = yield* Deferred.make<void>()
    const unlessEnding = (effect: Effect.Effect<void>) => Effect.raceFirst(effect, Deferred.await(ending))
    const isEnding = Effect.map(Deferred.poll(ending), (poll) => poll._tag === "Some")

    /** Requests go first: where one batch follows the other, bringing them takes a small part of the time only. */
    const rest = (took: Duration.Duration) =>
      journal.stats().pending < mostWaiting
        ? unlessEnding(Effect.sleep(Duration.min(Duration.times(took, restsForOne), longestRest)))
        : Effect.void

    /** Of one that grows, one batch, unless all is asked for. */
    const drain = (backlog: Backlog, all: boolean) =>
      Effect.gen(function* () {
        while (true) {
          const from = positions.get(backlog.id) ?? 0
          const batch = yield* backlog.read(from)
          if (batch.next === from) break
          const [took, { applied, position }] = yield* Effect.timed(Drain.apply(database, appliers, backlog.id, batch))
          positions.set(backlog.id, position)
          if (applied !== undefined) yield* report(backlog.id, batch, applied)
          yield* backlog.forget(position)
          if (backlog.grows && !all) return yield* rest(took)
        }
        if (backlog.grows) {
          // Whoever could still write to it has ended.
          if (all && journal.stats().pending === 0) yield* Drain.abandoned(database, abandon, backlog.id)
          return
        }
        positions.delete(backlog.id)
        yield* Drain.abandoned(database, abandon, backlog.id)
        yield* backlog.remove
      })

    const drainAll = (all: boolean) =>
      Effect.forEach(
        journal.backlogs(),
        (backlog) =>
          Effect.catchTag(drain(backlog, all), "BacklogUnreadable", ({ message }) =>
            backlog.grows
              ? new Drain.Postponed({ reason: message })
              : Effect.zipRight(
                  Effect.logError(`journal: ${backlog.id} waits for the next start: ${message}`),
                  backlog.setAside
                )
          ),
        { discard: true }
      )

    const work = Effect.gen(function* () {
      yield* journal.waiting(1)
      // A moment for more to come: a batch costs the database little more than a record.
      yield* Effect.race(journal.waiting(batchRecords), Effect.sleep(collecting))
      yield* database.whenUp
    })

    const forever = Effect.gen(function* () {
      let failures = 0
      while (true) {
        yield* unlessEnding(work)
        if (yield* isEnding) break
        const drained = yield* Effect.either(drainAll(false))
        if (drained._tag === "Right") {
          if (failures > 0) yield* Effect.logInfo("journal: the database takes records again")
          failures = 0
        } else {
          if (failures === 0) yield* Effect.logWarning(`journal: it waits for the database: ${drained.left.reason}`)
          yield* unlessEnding(Effect.sleep(Math.min(longestPause, shortestPause * 2 ** failures++)))
        }
      }
      if (database.status() === "up") yield* Effect.ignore(drainAll(true))
    })

    yield* Effect.acquireRelease(Effect.forkDaemon(Effect.interruptible(forever)), (fiber) =>
      Effect.gen(function* () {
        yield* Deferred.succeed(ending, undefined)
        const ended = yield* Effect.timeoutOption(Effect.interruptible(Fiber.await(fiber)), patience)
        // What hangs in a statement is not waited for: the position in the database says how it went.
        if (ended._tag === "None") yield* Fiber.interruptFork(fiber)
      })
    )
    return Replay.of({ stats: () => ({ ...totals }) })
  })

/** So many times as long as a batch took nothing is brought. */
const restsForOne = 39
const longestRest = Duration.seconds(5)

/** Records that may wait while requests go first: some 100 MB of them. */
const mostWaiting = 100_000

/** Records are collected for so many ms before they are brought. */
const collecting = 250

/** Between tries where the database takes nothing, in ms. */
const shortestPause = 100
const longestPause = 5_000

/** At the end, in ms. */
const patience = 2_000
