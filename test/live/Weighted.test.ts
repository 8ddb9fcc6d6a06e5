import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { model, routing, settings } from "../support/settings.js"
import { at, serve } from "./support/inside.js"
import { load, times } from "./support/load.js"
import * as Provider from "./support/provider.js"

const weights = [60, 30, 10]

const requests = 10_000

describe("instances of weights 60, 30 and 10", () => {
  it.scopedLive("have these shares of ten thousand requests, give or take two points", () =>
    Effect.gen(function* () {
      const providers = yield* Effect.forEach(weights, () => Provider.make())
      const instances = providers.map((provider, nth) => at(`share-${nth}`, provider, { weight: weights[nth] ?? 0 }))
      const ids = instances.map(({ id }) => id)
      const configured = settings({
        instances,
        models: [model("m", ids)],
        routing: { ...routing, strategy: "weighted" }
      })
      // The same chance each time: what is tested is that weights are kept to, not luck.
      const gateway = yield* Effect.withRandom(serve(configured), Random.make("weighted"))
      const answers = yield* load(gateway.url, { model: "m", connections: 16, goesOn: times(requests) })
      assert.isTrue(answers.every(({ complete, status }) => status === 200 && complete))
      const shares = providers.map(({ calls }) => (calls / requests) * 100)
      for (const [nth, share] of shares.entries()) assert.closeTo(share, weights[nth] ?? 0, 2)
      assert.strictEqual(
        providers.reduce((sum, { calls }) => sum + calls, 0),
        requests
      )
      yield* gateway.atRest(providers)
    })
  )
})
