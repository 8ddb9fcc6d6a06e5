import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import { randomUUID } from "node:crypto"
import { LiveSettings } from "../config/LiveSettings.js"
import type { Alert, AlertKind } from "../domain/Alert.js"
import { Transport } from "../provider/Transport.js"
import { Database } from "../store/Database.js"
import { Journal } from "../store/Journal.js"
import * as AlertBody from "./AlertBody.js"
import { Courier } from "./Courier.js"
import { MemoryOutbox } from "./MemoryOutbox.js"
import type { AlertRow } from "./Outbox.js"
import { post, type NotTaken } from "./Posting.js"
import * as Repeats from "./Repeats.js"
import * as StoredOutbox from "./StoredOutbox.js"
import * as Target from "./Target.js"
import { Teller } from "./Teller.js"

/** Tells operators what they should know at once, by the webhooks of `alerts`. */
export class Alerts extends Context.Tag("orelse/Alerts")<
  Alerts,
  {
    /** Takes an alert on the spot, unless the same was told within `alerts.repeatAfter`. Never fails; nobody waits for it. */
    readonly tell: (alert: Alert) => void
    /** What an alert was about, as `Alert.aboutOf` says, is well again: the next one says something new. */
    readonly over: (kind: AlertKind, about: ReadonlyArray<string>) => void
    /** The latest ones and what became of them, the latest first. */
    readonly latest: (limit: number) => Effect.Effect<Latest>
    /** Posts a test to every webhook, and says how each took it. */
    readonly test: Effect.Effect<ReadonlyArray<Tested>>
  }
>() {
  /** As long as the process lives. */
  static readonly layerMemory: Layer.Layer<Alerts, never, LiveSettings | Transport> = Layer.scoped(
    Alerts,
    Effect.suspend(() => make(undefined))
  )

  /**
   * In the database, by way of the journal: all replicas together tell of a thing once and deliver it once. While the
   * database is not up alerts go out all the same, from the memory of whoever tells them.
   */
  static readonly layerStored: Layer.Layer<Alerts, never, Database | Journal | LiveSettings | Transport> = Layer.scoped(
    Alerts,
    Effect.gen(function* () {
      const outbox = yield* StoredOutbox.make
      return yield* make({ outbox, database: yield* Database, journal: yield* Journal })
    })
  )
}

export interface Latest {
  readonly alerts: ReadonlyArray<AlertRow>
  /** Deliveries that are still to be made. */
  readonly undelivered: number
}

/** How a webhook took a test. */
export interface Tested {
  /** Its host, and a part of a hash of its address. */
  readonly webhook: string
  readonly ok: boolean
  /** HTTP status, where it answered. */
  readonly status: number | undefined
  readonly ms: number
  /** A safe sentence, where it failed. */
  readonly message: string | undefined
}

interface Stored {
  readonly database: Database["Type"]
  readonly journal: Journal["Type"]
  readonly outbox: StoredOutbox.StoredOutbox
}

/** Delivers to one target. */
interface Loop {
  readonly fiber: Fiber.Fiber<never>
  /** There may be more. */
  readonly wake: Queue.Queue<void>
}

const make = (stored: Stored | undefined) =>
  Effect.gen(function* () {
    const live = yield* LiveSettings
    const transport = yield* Transport
    const clock = yield* Effect.clock
    const run = Runtime.runFork(yield* Effect.runtime<never>())
    const changes = yield* live.subscribe
    const scope = yield* Effect.scope
    /** Who delivers, by target. */
    const loops = new Map<string, Loop>()
    const memory = new MemoryOutbox()
    const courier = new Courier(transport)
    const settings = () => live.current().alerts
    const now = () => clock.unsafeCurrentTimeMillis()
    const teller = new Teller({
      settings,
      now,
      memory,
      append: (record) =>
        stored !== undefined &&
        stored.database.status() !== "off" &&
        stored.journal.append("alert", JSON.stringify(record)),
      fresh: () => {
        for (const { wake } of loops.values()) wake.unsafeOffer(undefined)
      },
      lost: () => void run(Effect.logError("alerts: too many wait; the oldest is dropped and was not delivered")),
      crowded: (kind) =>
        void run(
          Effect.logWarning(`alerts: ${Repeats.mostOfAKind} of ${kind} were told lately; others are not told now`)
        )
    })

    /** Whoever has something to tell has no part in what goes wrong here. */
    const safely = (act: () => void): void => {
      try {
        act()
      } catch (defect) {
        run(Effect.logError("an alert could not be told", Cause.die(defect)))
      }
    }

    const targets = () => settings().webhooks.map(Target.of)

    /** One look at what is due at a target, until there may be more. */
    const round = (id: string, wake: Queue.Dequeue<void>) =>
      Effect.gen(function* () {
        const target = targets().find((each) => each.id === id)
        if (target === undefined) return yield* Queue.take(wake)
        const { timeout } = settings()
        yield* courier.deliver(memory, target, timeout)
        if (stored !== undefined) yield* courier.deliver(stored.outbox, target, timeout)
        // What is in the database may come from others.
        const pause = stored === undefined ? memory.nextAt(id) - now() : lookEvery
        const more = Queue.take(wake)
        yield* Number.isFinite(pause) ? Effect.timeoutOption(more, Math.max(1, Math.ceil(pause))) : more
      })
    const rounds = (id: string, wake: Queue.Dequeue<void>) =>
      Effect.forever(
        Effect.catchAllDefect(round(id, wake), (defect) =>
          Effect.zipRight(Effect.logError("delivering alerts failed", Cause.die(defect)), Effect.sleep(lookEvery))
        )
      )

    /** Each target has a loop of its own, so that a slow one delays no other. */
    const staff = Effect.gen(function* () {
      const wanted = new Set(targets().map(({ id }) => id))
      for (const [id, { fiber }] of loops) {
        if (wanted.has(id)) continue
        loops.delete(id)
        yield* Fiber.interrupt(fiber)
      }
      for (const id of wanted) {
        if (loops.has(id)) continue
        const wake = yield* Queue.sliding<void>(1)
        loops.set(id, { wake, fiber: yield* Effect.forkIn(rounds(id, wake), scope) })
      }
    })
    yield* staff
    yield* Effect.forkScoped(Effect.forever(Effect.zipRight(Queue.take(changes), staff)))
    if (stored !== undefined) {
      yield* Effect.forkScoped(Effect.schedule(stored.outbox.tidy, Schedule.spaced("1 hour")))
    }

    return Alerts.of({
      tell: (alert) =>
        // What is in trouble is not trusted with the news of it.
        safely(() => teller.tell(alert, stored?.database.status() === "up" && alert.kind !== "store_trouble")),
      over: (kind, about) => safely(() => teller.over(kind, about)),
      latest: (limit) =>
        Effect.gen(function* () {
          const outboxes = stored === undefined ? [memory] : [memory, stored.outbox]
          const found = yield* Effect.forEach(outboxes, (outbox) => outbox.latest(limit))
          const waiting = yield* Effect.forEach(outboxes, (outbox) => outbox.undelivered)
          return {
            alerts: found
              .flat()
              .toSorted((one, other) => Date.parse(other.at) - Date.parse(one.at))
              .slice(0, limit),
            undelivered: waiting.reduce((sum, count) => sum + count, 0)
          }
        }),
      test: Effect.suspend(() => {
        const { timeout } = settings()
        const body = AlertBody.test(randomUUID(), now())
        return Effect.forEach(
          targets(),
          (target) => Effect.map(Effect.timed(Effect.either(post(transport, target, body, timeout))), tested(target)),
          { concurrency: "unbounded" }
        )
      })
    })
  })

const tested =
  ({ id }: Target.Target) =>
  ([took, posted]: [Duration.Duration, Either.Either<number, NotTaken>]): Tested => ({
    webhook: id,
    ok: Either.isRight(posted),
    status: Either.isRight(posted) ? posted.right : posted.left.status,
    ms: Math.round(Duration.toMillis(took)),
    message: Either.isRight(posted) ? undefined : posted.left.message
  })

/** Between two looks for what is due, in ms. */
const lookEvery = 1_000
