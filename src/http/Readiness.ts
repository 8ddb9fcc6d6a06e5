import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** Counts requests in flight, and knows when no new ones are taken. */
export class Readiness extends Context.Tag("orelse/Readiness")<
  Readiness,
  {
    readonly draining: () => boolean
    readonly enter: () => void
    readonly leave: () => void
    /** Takes no new requests, and waits for those in flight. */
    readonly drain: Effect.Effect<void>
  }
>() {
  static readonly layer: Layer.Layer<Readiness> = Layer.sync(Readiness, () => {
    let inFlight = 0
    let draining = false
    let idle: (() => void) | undefined
    return {
      draining: () => draining,
      enter: () => {
        inFlight++
      },
      leave: () => {
        inFlight--
        if (inFlight === 0) idle?.()
      },
      drain: Effect.async<void>((resume) => {
        draining = true
        if (inFlight === 0) return resume(Effect.void)
        idle = () => resume(Effect.void)
      })
    }
  })
}
