import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/TestClock"
import * as Changes from "../../src/cli/Changes.js"
import * as ProviderError from "../../src/domain/ProviderError.js"
import { Circuits } from "../../src/health/Circuits.js"
import { fixed } from "../support/liveSettings.js"
import { instance, settings } from "../support/settings.js"

const a = instance("a")
const kind = { streamed: false, extra: false }

describe("the log", () => {
  it.effect("tells when an instance, one of its models or its key is out, and when it is back", () => {
    const lines: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => lines.push(`${logLevel.label} ${String(message)}`))
    return Effect.gen(function* () {
      const circuits = yield* Circuits
      const fail = (category: "provider_unavailable" | "model_not_found" | "auth") =>
        circuits
          .admit(a, "m", () => 0, kind)
          ?.fail(
            ProviderError.make(category, {
              provider: "simulated",
              instance: "a",
              model: "m",
              message: "",
              status: 401
            }),
            true
          )
      yield* Changes.log
      yield* Effect.yieldNow()
      for (let call = 0; call < 3; call++) fail("provider_unavailable")
      circuits.force(a, "closed", 0)
      circuits.force(a, "auto", 0)
      for (let call = 0; call < 3; call++) fail("model_not_found")
      circuits.force(a, "auto", 0)
      fail("auth")
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(lines, [
        "WARN a: circuit opened for 60 s after 3 failures in a row",
        "INFO a: circuit closed, it is asked as before",
        "WARN a/m: circuit opened for 60 s after 3 failures in a row",
        "INFO a/m: circuit closed, it is asked as before",
        "WARN a: its key is out for 60 s"
      ])
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.provide(Circuits.layer, fixed(settings()))),
      Effect.provide(Logger.replace(Logger.defaultLogger, logger))
    )
  })
})
