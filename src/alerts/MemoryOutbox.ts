import * as Effect from "effect/Effect"
import type { AlertBody } from "./AlertBody.js"
import type { DeliveryRow, Outbox } from "./Outbox.js"

/** Alerts as long as the process lives: the latest 1,000, delivered or not. */
export class MemoryOutbox implements Outbox {
  private readonly kept: Array<Kept> = []

  /** `at` is Unix ms. False: an older one made room that was not delivered yet. */
  add(alert: AlertBody, targets: ReadonlyArray<string>, at: number): boolean {
    this.kept.push({
      alert,
      deliveries: targets.map((target) => ({ target, state: "waiting", attempts: 0, at, problem: null }))
    })
    const dropped = this.kept.length > remembered ? this.kept.shift() : undefined
    return dropped?.deliveries.every(({ state }) => state !== "waiting") ?? true
  }

  /** When the next one is due at a target (Unix ms); infinite: nothing waits. */
  nextAt(target: string): number {
    let next = Number.POSITIVE_INFINITY
    for (const each of this.kept.flatMap(({ deliveries }) => deliveries)) {
      if (each.state === "waiting" && each.target === target) next = Math.min(next, each.at)
    }
    return next
  }

  readonly claim: Outbox["claim"] = (target, now, until) =>
    Effect.sync(() => {
      for (const { alert, deliveries } of this.kept) {
        const due = deliveries.find((each) => each.target === target && each.state === "waiting" && each.at <= now)
        if (due === undefined) continue
        due.attempts++
        due.at = until
        return { alert, target, attempts: due.attempts }
      }
      return undefined
    })

  readonly delivered: Outbox["delivered"] = ({ alert, target }, now) =>
    this.change(alert.id, target, (delivery) => {
      delivery.state = "delivered"
      delivery.at = now
    })

  readonly failed: Outbox["failed"] = ({ alert, target }, now, { at, holdsAll, problem }) =>
    Effect.zipRight(
      this.change(alert.id, target, (delivery) => {
        delivery.state = at === undefined ? "failed" : "waiting"
        delivery.at = at ?? now
        delivery.problem = problem
      }),
      Effect.sync(() => {
        if (at === undefined || !holdsAll) return
        for (const delivery of this.kept.flatMap(({ deliveries }) => deliveries)) {
          if (delivery.target === target && delivery.state === "waiting") delivery.at = Math.max(delivery.at, at)
        }
      })
    )

  readonly latest: Outbox["latest"] = (limit) =>
    Effect.sync(() =>
      this.kept
        .slice(-limit)
        .toReversed()
        .map(({ alert, deliveries }) => ({
          ...alert,
          deliveries: deliveries.map(({ at, attempts, problem, state, target }): DeliveryRow => ({
            webhook: target,
            state,
            attempts,
            at: new Date(at).toISOString(),
            problem
          }))
        }))
    )

  readonly undelivered: Outbox["undelivered"] = Effect.sync(
    () => this.kept.flatMap(({ deliveries }) => deliveries).filter(({ state }) => state === "waiting").length
  )

  private change(id: string, target: string, how: (delivery: KeptDelivery) => void): Effect.Effect<void> {
    return Effect.sync(() => {
      const kept = this.kept.find(({ alert }) => alert.id === id)
      const delivery = kept?.deliveries.find((each) => each.target === target)
      if (delivery !== undefined) how(delivery)
    })
  }
}

interface Kept {
  readonly alert: AlertBody
  readonly deliveries: ReadonlyArray<KeptDelivery>
}

interface KeptDelivery {
  readonly target: string
  state: DeliveryRow["state"]
  attempts: number
  /** Unix ms, as in a `DeliveryRow`. */
  at: number
  problem: string | null
}

const remembered = 1_000
