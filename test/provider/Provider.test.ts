import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import type { InstanceSettings } from "../../src/config/Settings.js"
import { calling, complete, drained, hello, moving, stream, type Call } from "../support/calls.js"
import { done, says, stop } from "../support/chunks.js"
import { instance } from "../support/settings.js"
import { eventStream, json, network, replaying, type Network, type Wire } from "../support/wires.js"

const apiKey = Redacted.make("sk-secret")
const calls: ReadonlyArray<Call> = [complete, stream]

describe("the request to each vendor", () => {
  const bearer = { authorization: "Bearer sk-secret" }
  const vendors: ReadonlyArray<readonly [Partial<InstanceSettings>, string, string, string, object]> = [
    [{ provider: "openai" }, "gpt-4o", "https://api.openai.com/v1/chat/completions", "gpt-4o", bearer],
    [
      { provider: "openrouter" },
      "openai/gpt-4o",
      "https://openrouter.ai/api/v1/chat/completions",
      "openai/gpt-4o",
      bearer
    ],
    [
      { provider: "ollama", apiKey: undefined },
      "llama3:8b",
      "http://localhost:11434/v1/chat/completions",
      "llama3:8b",
      {}
    ],
    [
      { provider: "openai-compatible", baseUrl: "http://10.0.0.1:8000/deep/v1/" },
      "x",
      "http://10.0.0.1:8000/deep/v1/chat/completions",
      "x",
      bearer
    ],
    [
      { provider: "azure", baseUrl: "https://r.openai.azure.com", apiVersion: "2024-06-01" },
      "my deployment",
      "https://r.openai.azure.com/openai/deployments/my%20deployment/chat/completions?api-version=2024-06-01",
      "my deployment",
      { "api-key": "sk-secret" }
    ],
    [
      { provider: "azure", baseUrl: "https://r.openai.azure.com", apiVersion: "2024-06-01" },
      "d|2025-01-01-preview",
      "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2025-01-01-preview",
      "d",
      { "api-key": "sk-secret" }
    ]
  ]
  for (const [fields, model, url, sentModel, auth] of vendors) {
    it.effect(`${fields.provider} is asked for ${model} at ${url}`, () =>
      Effect.gen(function* () {
        const wires = replaying(200, json, hello)
        yield* complete(wires, instance("a", { apiKey, ...fields }), { model })
        const { body, headers, method, origin, path } = wires.only().outgoing
        const { authorization, "api-key": key } = headers
        assert.deepStrictEqual([method, origin + path], ["POST", url])
        assert.deepStrictEqual(JSON.parse(Buffer.from(body ?? []).toString()).model, sentModel)
        assert.deepStrictEqual({ ...(authorization && { authorization }), ...(key && { "api-key": key }) }, { ...auth })
      })
    )
  }

  it.effect("goes to the address that the request was allowed to name", () =>
    Effect.gen(function* () {
      const wires = replaying(200, json, hello)
      yield* complete(wires, instance("a", { provider: "openai", apiKey }), { baseUrl: "https://eu.example/v1/" })
      const { origin, path } = wires.only().outgoing
      assert.strictEqual(origin + path, "https://eu.example/v1/chat/completions")
    })
  )

  it.effect("asks for a stream, and for its usage", () =>
    Effect.gen(function* () {
      const wires = replaying(200, eventStream, says("hi"), stop, done)
      yield* Effect.flatMap(stream(wires), drained)
      const { body, headers } = wires.only().outgoing
      const { stream: streams, stream_options } = JSON.parse(Buffer.from(body ?? []).toString())
      assert.deepStrictEqual(
        [headers["accept"], streams, stream_options],
        ["text/event-stream", true, { include_usage: true }]
      )
    })
  )
})

describe("a call that fails", () => {
  it.effect("says whose it was, with what the provider said about the request", () =>
    Effect.gen(function* () {
      const body = Buffer.from('{"error":{"message":"too hot","param":"temperature","code":"bad_value"}}')
      for (const failing of calls) {
        const error = yield* Effect.flip(failing(replaying(400, json, body), instance("eu-1", { provider: "openai" })))
        assert.deepInclude(error, {
          _tag: "InvalidRequest",
          provider: "openai",
          instance: "eu-1",
          model: "m",
          status: 400
        })
        assert.deepInclude(error, { message: "too hot", param: "temperature", code: "bad_value" })
      }
    })
  )

  it.effect("reads how long it is asked to wait", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(complete(replaying(429, { ...json, "retry-after": "7" }, Buffer.from("{}"))))
      assert.deepInclude(error, { category: "rate_limit", retryAfterMs: 7_000 })
    })
  )

  const breaks: ReadonlyArray<readonly [string, (wire: Wire) => void]> = [
    ["before the connection stands", () => {}],
    ["before the answer", (wire) => wire.incoming.onConnected()],
    ["in the answer", (wire) => wire.open()]
  ]
  for (const [when, move] of breaks) {
    it.effect(`is a network failure when the connection breaks ${when}`, () =>
      Effect.gen(function* () {
        for (const failing of calls) {
          const wires = network()
          const fiber = yield* moving(failing(wires), wires, (wire) => {
            move(wire)
            wire.incoming.onFailure({ message: "the connection was reset" })
          })
          const error = yield* Effect.flip(Fiber.join(fiber))
          assert.deepInclude(error, { _tag: "NetworkFailed", message: "the connection was reset" })
        }
      })
    )
  }

  it.effect("fails also where the transport fails on the spot", () =>
    Effect.gen(function* () {
      const wires = network((wire) => wire.incoming.onFailure({ message: "no route" }))
      for (const failing of calls) assert.strictEqual((yield* Effect.flip(failing(wires))).category, "network")
    })
  )

  it.effect("is malformed when the answer is more than any model writes", () =>
    Effect.gen(function* () {
      const megabyte = Buffer.alloc(1024 * 1024, " ")
      const wires = replaying(200, json, ...Array.from({ length: 65 }, () => megabyte))
      assert.strictEqual((yield* Effect.flip(complete(wires))).category, "malformed_response")
      assert.isTrue(wires.only().aborted)
    })
  )
})

describe("the list of models", () => {
  const list = (wires: Network, made = instance("a", { provider: "openai", apiKey })) =>
    Effect.flatMap(
      calling(made, wires.transport),
      ({ provider }) => provider.listModels ?? assert.fail("it lists none")
    )

  it.effect("is asked for with the key, and read in either shape", () =>
    Effect.gen(function* () {
      for (const text of ['{"object":"list","data":[{"id":"a"},{"id":5},{"id":"b"}]}', '[{"id":"a"},"?",{"id":"b"}]']) {
        const wires = replaying(200, json, Buffer.from(text))
        assert.deepStrictEqual(yield* list(wires), ["a", "b"])
        const { body, headers, method, path } = wires.only().outgoing
        assert.deepStrictEqual(
          [method, path, headers["authorization"], body],
          ["GET", "/v1/models", "Bearer sk-secret", undefined]
        )
      }
    })
  )

  it.effect("is malformed when it is no JSON, and empty when it is something else", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(list(replaying(200, json, Buffer.from("<html>"))))
      assert.strictEqual(error.category, "malformed_response")
      assert.deepStrictEqual(yield* list(replaying(200, json, Buffer.from('{"models":3}'))), [])
    })
  )

  it.effect("is given up after five seconds", () =>
    Effect.gen(function* () {
      const wires = network()
      const fiber = yield* moving(Effect.flip(list(wires)), wires, (wire) => wire.open(200, json))
      yield* TestClock.adjust("4999 millis")
      assert.isFalse(wires.only().aborted)
      yield* TestClock.adjust("1 millis")
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "ProviderTimeout", phase: "deadline" })
      assert.isTrue(wires.only().aborted)
    })
  )
})
