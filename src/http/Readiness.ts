import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** Knows the requests in flight, and when no new ones are taken. */
export class Readiness extends Context.Tag("orelse/Readiness")<
  Readiness,
  {
    readonly draining: () => boolean
    /** A request came in; `cut` ends it when it is still there at the end of the drain. */
    readonly enter: (cut: () => void) => void
    /** That request has left. */
    readonly leave: (cut: () => void) => void
    /** Takes no new requests, and waits for those in flight. */
    readonly drain: Effect.Effect<void>
    /** Ends what is still in flight. */
    readonly cut: Effect.Effect<void>
  }
>() {
  static readonly layer: Layer.Layer<Readiness> = Layer.sync(Readiness, () => {
    const inFlight = new Set<() => void>()
    let draining = false
    let idle: (() => void) | undefined
    return {
      draining: () => draining,
      enter: (cut) => {
        inFlight.add(cut)
      },
      leave: (cut) => {
        inFlight.delete(cut)
        if (inFlight.size === 0) idle?.()
      },
      drain: Effect.async<void>((resume) => {
        draining = true
        if (inFlight.size === 0) return resume(Effect.void)
        idle = () => resume(Effect.void)
      }),
      cut: Effect.sync(() => {
        for (const end of inFlight) end()
      })
    }
  })
}
