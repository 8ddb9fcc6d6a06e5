import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { maxModels } from "../../src/provider/ListCall.js"
import { calling, moving } from "../support/calls.js"
import { instance } from "../support/settings.js"
import { json, network, replaying, type Network, type Wire } from "../support/wires.js"

const apiKey = Redacted.make("sk-secret-of-the-account")

const anthropic = instance("a", { provider: "anthropic", apiKey })

const catalogue = (wires: Network, made = anthropic) =>
  Effect.flatMap(
    calling(made, wires.transport),
    ({ provider }) => provider.listCatalogue ?? assert.fail("it lists none")
  )

const cursorOf = ({ outgoing }: Wire): string | null =>
  new URL(outgoing.path, "http://a.test").searchParams.get("after_id")

/** Each page is made from the cursor that asked for it. */
const paged = (body: (cursor: string | null) => object): Network =>
  network((wire) => wire.play(200, json, [Buffer.from(JSON.stringify(body(cursorOf(wire))))]))

const ids = Effect.map((models: ReadonlyArray<{ readonly id: string }>) => models.map(({ id }) => id))

describe("a catalogue", () => {
  it.effect("is read page by page, each id once, with the key", () =>
    Effect.gen(function* () {
      const wires = paged((cursor) =>
        cursor === null
          ? { data: [{ id: "a" }, { id: "b" }], has_more: true, last_id: "b" }
          : { data: [{ id: "b" }, { id: "c" }], has_more: false, last_id: "c" }
      )
      assert.deepStrictEqual(yield* ids(catalogue(wires)), ["a", "b", "c"])
      assert.deepStrictEqual(
        wires.wires.map(({ outgoing }) => [outgoing.method, outgoing.path, outgoing.headers["x-api-key"]]),
        [
          ["GET", "/v1/models?limit=1000", "sk-secret-of-the-account"],
          ["GET", "/v1/models?limit=1000&after_id=b", "sk-secret-of-the-account"]
        ]
      )
    })
  )

  it.effect("that gives the same page again and again fails instead of asking for ever", () =>
    Effect.gen(function* () {
      const wires = paged(() => ({ data: [{ id: "a" }], has_more: true, last_id: "a" }))
      const error = yield* Effect.flip(catalogue(wires))
      assert.deepInclude(error, {
        category: "malformed_response",
        message: "the provider's list of models does not end"
      })
      assert.lengthOf(wires.wires, 2)
    })
  )

  it.effect("that always has one more page is given up after fifty", () =>
    Effect.gen(function* () {
      const wires = paged((cursor) => {
        const id = String(Number(cursor ?? "0") + 1)
        return { data: [{ id }], has_more: true, last_id: id }
      })
      assert.strictEqual((yield* Effect.flip(catalogue(wires))).category, "malformed_response")
      assert.lengthOf(wires.wires, 50)
    })
  )

  it.effect("holds no more than its bound", () =>
    Effect.gen(function* () {
      const data = Array.from({ length: maxModels + 5 }, (_, at) => ({ id: `m${at}` }))
      const wires = replaying(200, json, Buffer.from(JSON.stringify({ data })))
      assert.lengthOf(yield* catalogue(wires, instance("a", { provider: "openai" })), maxModels)
    })
  )

  it.effect(
    "fails with a sentence where the answer is no list, and with the provider's own error where it says no",
    () =>
      Effect.gen(function* () {
        const none = yield* Effect.flip(catalogue(replaying(200, json, Buffer.from("{}"))))
        assert.deepInclude(none, {
          category: "malformed_response",
          message: "what the provider answered is no list of models"
        })
        const refusal = Buffer.from(
          '{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}'
        )
        assert.strictEqual((yield* Effect.flip(catalogue(replaying(401, json, refusal)))).category, "auth")
      })
  )

  it.effect("has thirty seconds for all its pages together", () =>
    Effect.gen(function* () {
      const wires = network()
      const fiber = yield* moving(Effect.flip(catalogue(wires)), wires, (wire) => wire.open(200, json))
      yield* TestClock.adjust("29999 millis")
      assert.isFalse(wires.only().aborted)
      yield* TestClock.adjust("1 millis")
      assert.deepInclude(yield* Fiber.join(fiber), {
        _tag: "ProviderTimeout",
        message: "it did not list its models within 30 s"
      })
      assert.isTrue(wires.only().aborted)
    })
  )

  it.effect("is none where the vendor lists what cannot be asked for, or nothing", () =>
    Effect.gen(function* () {
      const azure = instance("a", { provider: "azure", baseUrl: "https://r.openai.azure.com" })
      for (const made of [azure, instance("b", { provider: "perplexity" })]) {
        const { provider } = yield* calling(made, network().transport)
        assert.isUndefined(provider.listCatalogue)
      }
    })
  )
})
