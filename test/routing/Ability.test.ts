import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import { makeSnapshot } from "../../src/catalog/Catalog.js"
import type { InstanceSettings, ModelSettings, Settings } from "../../src/config/Settings.js"
import type { ChatRequest } from "../../src/domain/ChatRequest.js"
import * as Messages from "../../src/protocol/anthropic/RequestIn.js"
import * as PlainIn from "../../src/protocol/openai/PlainIn.js"
import * as Plan from "../../src/routing/Plan.js"
import { request } from "../support/gateway.js"
import { instance, model, settings } from "../support/settings.js"

interface Setup {
  readonly request?: ChatRequest
  readonly instances?: Readonly<Record<string, Partial<InstanceSettings>>>
  readonly windows?: Readonly<Record<string, number>>
  readonly routing?: Partial<Settings["routing"]>
}

const planned = (setup: Setup) => {
  const ids = ["a", "b", "c"]
  const targets = ids.map((id): ModelSettings["targets"][number] => ({
    instance: id,
    model: "x",
    catch: undefined,
    contextWindow: setup.windows?.[id]
  }))
  const base = settings({
    instances: ids.map((id) => instance(id, setup.instances?.[id])),
    models: [model("m", targets)]
  })
  const snapshot = makeSnapshot({ ...base, routing: { ...base.routing, ...setup.routing } })
  return Plan.make(setup.request ?? request(), snapshot, Plan.unknown)
}

/** Who is asked, and who is left out for which reason. */
const plan = (setup: Setup) => {
  const { candidates, excluded } = Either.getOrThrow(planned(setup))
  return {
    asked: candidates.map((candidate) => candidate.instance.id).join(" "),
    out: excluded.map((out) => `${out.instance} ${out.reason}`),
    details: excluded.map(({ detail }) => detail)
  }
}

const refusal = (setup: Setup) => {
  const error = Either.getOrThrow(Either.flip(planned(setup)))
  return error._tag === "RequestRejected" ? error : assert.fail(error._tag)
}

const picture = { type: "image_url", image_url: { url: "https://example.com/a.png" } }
const seeing = request({ messages: [{ role: "user", content: [picture] }] })
const calling = request({ tools: [{ type: "function", function: { name: "f" } }] })
const shaping = request({ response_format: { type: "json_schema", json_schema: { name: "s", schema: {} } } })

describe("an instance with capabilities", () => {
  const cases: ReadonlyArray<readonly [string, ChatRequest, InstanceSettings["capabilities"], string]> = [
    ["tools", calling, ["chat", "vision", "json_schema"], "it has no tools"],
    ["vision", seeing, ["chat", "tools", "json_schema"], "it has no vision"],
    ["a JSON schema", shaping, ["chat", "tools", "vision"], "it follows no JSON schema"],
    ["a chat", request(), [], "it does not chat"]
  ]
  for (const [need, asking, capabilities, detail] of cases) {
    it(`is left out of a request that needs ${need} where that is none of them`, () => {
      const found = plan({ request: asking, instances: { b: { capabilities } } })
      assert.deepStrictEqual(found, { asked: "a c", out: ["b capability"], details: [detail] })
    })

    it(`is asked what needs ${need} where nobody said what it can do`, () => {
      assert.strictEqual(plan({ request: asking }).asked, "a b c")
    })
  }

  it("is asked for everything that is among them, and for what needs none", () => {
    const all: Partial<InstanceSettings> = { capabilities: ["chat", "tools", "vision", "json_schema"] }
    for (const asking of [seeing, calling, shaping]) {
      assert.strictEqual(plan({ request: asking, instances: { a: all, b: all, c: all } }).asked, "a b c")
    }
    assert.strictEqual(plan({ instances: { b: { capabilities: ["chat"] } } }).asked, "a b c")
  })

  it("is asked for embeddings although it does not chat", () => {
    const json = { model: "m", input: "x" }
    const embedding = Either.getOrThrow(PlainIn.decodeEmbeddings(Buffer.from(JSON.stringify(json)), json))
    assert.strictEqual(plan({ request: embedding, instances: { a: { capabilities: [] } } }).asked, "a b c")
  })

  it("is refused with what is needed where nobody has it", () => {
    const blind: Partial<InstanceSettings> = { capabilities: ["chat"] }
    const { code, message, param } = refusal({ request: seeing, instances: { a: blind, b: blind, c: blind } })
    assert.deepStrictEqual([code, param], ["unsupported_by_model", "model"])
    assert.strictEqual(
      message,
      "no provider of 'm' can do what the request needs (a: it has no vision; b: it has no vision; c: it has no vision)"
    )
  })
})

describe("an instance with a bound of output tokens", () => {
  const bound = { b: { maxTokensPerRequest: 100 } }

  it("is left out of a request for more, and for no other", () => {
    for (const max_tokens of [undefined, 1, 100]) {
      assert.strictEqual(plan({ request: request({ max_tokens }), instances: bound }).asked, "a b c")
    }
    assert.deepStrictEqual(plan({ request: request({ max_completion_tokens: 101 }), instances: bound }), {
      asked: "a c",
      out: ["b max_tokens"],
      details: ["it is asked for 100 output tokens at most, and not for 101"]
    })
  })

  it("is judged by its own entry's max_tokens where a fallback has one", () => {
    const entry = { provider: "b", model_name: "x" }
    const asking = (max_tokens?: number) =>
      request({ max_tokens: 500, fallback: { providers: [{ ...entry, max_tokens }] } })
    assert.deepStrictEqual(plan({ request: asking(), instances: bound }).out, ["b max_tokens"])
    assert.strictEqual(plan({ request: asking(50), instances: bound }).asked, "a b")
  })

  it("is refused with its field where nobody goes so far", () => {
    const tight = { maxTokensPerRequest: 8 }
    const { message, param } = refusal({
      request: request({ max_tokens: 9 }),
      instances: { a: tight, b: { maxTokensPerRequest: 7 }, c: tight }
    })
    assert.strictEqual(param, "max_tokens")
    assert.include(message, "b: it is asked for 7 output tokens at most, and not for 9")
  })
})

describe("a context window", () => {
  const sized = (characters: number, fields: object = {}) =>
    request({ messages: [{ role: "user", content: "word ".repeat(characters / 5) }], ...fields })
  const windows = { a: 1_000, b: 4_000, c: 16_000 }

  it("that has no room for the request is left out while another has", () => {
    // Some 5,000 tokens.
    const { asked, details, out } = plan({ request: sized(20_000), windows })
    assert.deepStrictEqual([asked, out], ["c", ["a context_window", "b context_window"]])
    assert.match(details[0] ?? "", /^more than 2\d{3} tokens do not fit its context window of 1000$/)
    assert.match(details[1] ?? "", /^about 5\d{3} tokens do not fit its context window of 4000$/)
  })

  it("is asked for what fits it, also where bytes alone do not tell", () => {
    assert.strictEqual(plan({ request: sized(500), windows }).asked, "a b c")
    // Some 3,000 tokens in 12,000 bytes.
    assert.strictEqual(plan({ request: sized(12_000), windows: { b: 4_000, c: 16_000 } }).asked, "a b c")
  })

  it("must hold the answer as well", () => {
    const { asked, details, out } = plan({ request: sized(2_000, { max_tokens: 3_700 }), windows })
    assert.deepStrictEqual([asked, out], ["c", ["a context_window", "b context_window"]])
    assert.match(
      details[1] ?? "",
      /^about \d+ tokens and up to 3700 of the answer do not fit its context window of 4000$/
    )
  })

  it("that nobody knows is large enough", () => {
    assert.strictEqual(plan({ request: sized(20_000), windows: { a: 1_000, c: 2_000 } }).asked, "b")
  })

  it("leaves out nobody where the request fits none: that is for the providers to judge", () => {
    assert.deepStrictEqual(plan({ request: sized(200_000), windows }), { asked: "a b c", out: [], details: [] })
  })

  it("leaves out nobody where those that it fits cannot serve the request", () => {
    const found = plan({
      request: sized(20_000, { tools: [{}] }),
      windows,
      instances: { a: { capabilities: ["chat"] }, c: { capabilities: ["chat"] } }
    })
    assert.deepStrictEqual([found.asked, found.out], ["b", ["a capability", "c capability"]])
  })

  it("is not filled by the bytes of a picture", () => {
    const url = `data:image/png;base64,${"QUJD".repeat(25_000)}`
    const large = request({
      messages: [{ role: "user", content: [{ type: "image_url", image_url: { url } }] }]
    })
    assert.strictEqual(plan({ request: large, windows }).asked, "b c")
    assert.strictEqual(plan({ request: large, windows: { a: 4_000, b: 8_000 } }).asked, "a b c")
  })

  it("makes room for a candidate behind the cap of attempts", () => {
    const { asked, out } = plan({ request: sized(20_000), windows, routing: { maxAttempts: 1 } })
    assert.deepStrictEqual([asked, out], ["c", ["a context_window", "b context_window"]])
  })

  it("may be larger than it is called with a beta of Anthropic's", () => {
    const asking = Either.getOrThrow(
      Messages.makeRequest({
        model: "m",
        max_tokens: 1,
        messages: [{ role: "user", content: "word ".repeat(4_000) }]
      })
    )
    assert.strictEqual(plan({ request: asking, windows }).asked, "c")
    const stretched = { ...asking, headers: { "anthropic-beta": "other, context-1m-2025-08-07" } }
    assert.strictEqual(plan({ request: stretched, windows }).asked, "a b c")
  })

  it("is none of an embedding, which may have many inputs", () => {
    const json = { model: "m", input: Array.from({ length: 1_000 }, () => "a few words") }
    const embedding = Either.getOrThrow(PlainIn.decodeEmbeddings(Buffer.from(JSON.stringify(json)), json))
    assert.strictEqual(plan({ request: embedding, windows }).asked, "a b c")
  })
})
