import { afterAll, it, type TestContext } from "@effect/vitest"
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"

/**
 * Tests on the live clock that share what a layer builds. (`layer` of @effect/vitest without its test services takes them from the
 * tests of other files too that run in the same process.)
 */
export const sharing = <R, E>(layer: Layer.Layer<R, E>) => {
  const runtime = ManagedRuntime.make(layer)
  afterAll(() => runtime.dispose())
  return (name: string, body: (context: TestContext) => Effect.Effect<void, unknown, R>) =>
    it(name, async (context) => {
      const exit = await runtime.runPromiseExit(body(context))
      if (Exit.isFailure(exit)) throw Cause.squash(exit.cause)
    })
}
