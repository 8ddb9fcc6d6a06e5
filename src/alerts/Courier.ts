import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Transport } from "../provider/Transport.js"
import type { Delivery, Failure, Outbox } from "./Outbox.js"
import { post, type NotTaken } from "./Posting.js"
import type { Target } from "./Target.js"

/** Delivers what is due, again and again where it fails, for a day. */
export class Courier {
  /** Targets that did not take the latest one. */
  private readonly failing = new Set<string>()

  constructor(private readonly transport: Transport["Type"]) {}

  /** Everything that is due now at a target, one after the other. `timeout` is in ms. */
  readonly deliver = (outbox: Outbox, target: Target, timeout: number): Effect.Effect<void> =>
    Effect.gen(this, function* () {
      while (true) {
        const now = yield* currentTime
        const delivery = yield* outbox.claim(target.id, now, now + timeout + grace)
        if (delivery === undefined) return
        const posted = yield* Effect.either(post(this.transport, target, delivery.alert, timeout))
        const at = yield* currentTime
        if (Either.isRight(posted)) {
          yield* Effect.uninterruptible(outbox.delivered(delivery, at))
          if (this.failing.delete(target.id)) yield* Effect.logInfo(`alerts: ${target.id} takes them again`)
          continue
        }
        const failure = yield* failureOf(delivery, posted.left, at)
        yield* Effect.uninterruptible(outbox.failed(delivery, at, failure))
        yield* this.complain(delivery, target, failure)
        if (failure.holdsAll) return
      }
    })

  private complain({ alert, attempts }: Delivery, { id }: Target, { at, problem }: Failure): Effect.Effect<void> {
    if (at === undefined) {
      return Effect.logError(
        `alerts: ${id} did not take an alert (${alert.kind}) in ${attempts} tries over a day, and it is given up: ${problem}`
      )
    }
    if (this.failing.has(id)) return Effect.void
    this.failing.add(id)
    return Effect.logWarning(`alerts: ${id} did not take an alert, and it is tried again: ${problem}`)
  }
}

const failureOf = (
  { alert, attempts }: Delivery,
  { awayFor, message, retryAfterMs }: NotTaken,
  now: number
): Effect.Effect<Failure> =>
  Effect.map(Effect.random.pipe(Effect.flatMap((random) => random.next)), (chance) => {
    const longer = Math.min(longestPause, shortestPause * 2 ** Math.min(attempts - 1, 20))
    const pause = Math.max(longer * (0.5 + chance / 2), Math.min(retryAfterMs ?? 0, givesUpAfter))
    return {
      problem: message,
      at: now - Date.parse(alert.at) >= givesUpAfter ? undefined : Math.ceil(now + pause),
      holdsAll: awayFor === "all"
    }
  })

const currentTime = Effect.clockWith((clock) => clock.currentTimeMillis)

/** In ms, all of them. */
const givesUpAfter = 24 * 3_600_000
const shortestPause = 5_000
const longestPause = 15 * 60_000

/** Beside the timeout, for what the database takes. */
const grace = 30_000
