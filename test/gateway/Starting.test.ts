import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as TestClock from "effect/TestClock"
import { local } from "../../src/domain/Caller.js"
import type { GatewayError } from "../../src/domain/GatewayError.js"
import type { ChatReply } from "../../src/gateway/ChatReply.js"
import { Gateway } from "../../src/gateway/Gateway.js"
import type { Outcome } from "../../src/provider/Call.js"
import * as Timers from "../../src/provider/Timers.js"
import { hello } from "../support/calls.js"
import { request } from "../support/gateway.js"
import { instance, model, settings } from "../support/settings.js"
import { gatewayOn, json, network, type Wire } from "../support/wires.js"

const ids = ["a", "b"]
const configured = settings({
  instances: ids.map((id) => instance(id, { provider: "openai" })),
  models: [model("m", ids)]
})

/** A request that was started without a fiber: what it has told so far, and its end of the wire. */
const started = <A, E>(
  body: (
    told: ReadonlyArray<Outcome<ChatReply, GatewayError>>,
    wires: ReadonlyArray<Wire>,
    cancel: () => void
  ) => Effect.Effect<A, E>,
  fields: Readonly<Record<string, unknown>> = {}
) => {
  const net = network()
  return Effect.gen(function* () {
    const { startComplete } = yield* Gateway
    const timers = yield* Effect.clockWith((clock) => Effect.succeed(Timers.ofClock(clock)))
    const told: Array<Outcome<ChatReply, GatewayError>> = []
    const cancel = startComplete(timers, request(fields), local)((outcome) => told.push(outcome))
    return yield* body(told, net.wires, cancel)
  }).pipe(Effect.provide(gatewayOn(net.transport, configured)))
}

const answers = (wire: Wire | undefined): void => {
  wire?.open(200, json)
  wire?.send(hello)
  wire?.incoming.onEnd()
}

const refuses = (wire: Wire | undefined): void => {
  wire?.open(503, json)
  wire?.incoming.onEnd()
}

describe("a request that is started without a fiber", () => {
  it.effect("tells its reply in the moment in which the first call succeeds", () =>
    started((told, wires) =>
      Effect.sync(() => {
        assert.isEmpty(told)
        answers(wires[0])
        const [outcome = assert.fail("nothing was told")] = told
        assert.strictEqual(Either.isRight(outcome) ? outcome.right.instance : "none", "a")
        assert.lengthOf(told, 1)
      })
    )
  )

  it.effect("tells what is still to be done when the first call fails, which nobody does unasked", () =>
    started((told, wires) =>
      Effect.gen(function* () {
        refuses(wires[0])
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([told.length, wires.length], [1, 1])
        const [outcome = assert.fail("nothing was told")] = told
        const rest = Either.isLeft(outcome) ? outcome.left : assert.fail("it has an answer")
        const fiber = yield* Effect.fork(rest)
        yield* TestClock.adjust(0)
        answers(wires[1])
        const { attempts, fallback, instance: served } = yield* fiber
        assert.deepStrictEqual([served, fallback, attempts.length], ["b", true, 2])
      })
    )
  )

  it.effect("closes the connection when it is cancelled, and tells nothing", () =>
    started((told, wires, cancel) =>
      Effect.gen(function* () {
        cancel()
        assert.isTrue(wires[0]?.aborted)
        yield* TestClock.adjust("20 minutes")
        assert.isEmpty(told)
      })
    )
  )

  it.effect("tells at once when nobody serves it", () =>
    started(
      (told, wires, cancel) =>
        Effect.gen(function* () {
          cancel()
          const [outcome = assert.fail("nothing was told")] = told
          const error = yield* Effect.flip(Either.isLeft(outcome) ? outcome.left : assert.fail("it has an answer"))
          assert.deepStrictEqual([error._tag, wires.length], ["ModelNotServed", 0])
        }),
      { model: "unknown" }
    )
  )

  it.effect("keeps its deadline also before it has a fiber", () =>
    started((told, wires) =>
      Effect.gen(function* () {
        wires[0]?.open(200, json)
        yield* TestClock.adjust("89999 millis")
        assert.isEmpty(told)
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual([told.length, wires[0]?.aborted], [1, true])
      })
    )
  )
})
