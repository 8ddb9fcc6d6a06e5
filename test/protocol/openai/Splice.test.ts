import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import type { Outbound, Quirks } from "../../../src/protocol/Dialects.js"
import * as PlainIn from "../../../src/protocol/openai/PlainIn.js"
import * as RequestIn from "../../../src/protocol/openai/RequestIn.js"
import * as Thoughts from "../../../src/protocol/openai/Thoughts.js"
import * as Json from "../../../src/protocol/Json.js"
import * as Splice from "../../../src/protocol/openai/Splice.js"
import { outbound } from "../../support/turns.js"

const messages = [{ role: "user", content: "hi" }]

const request = (text: string) => Either.getOrThrow(RequestIn.decodeRequest(Buffer.from(text), JSON.parse(text)))
const made = (fields: object) => Either.getOrThrow(RequestIn.makeRequest({ model: "m", messages, ...fields }))

/** To a model that is called as the caller calls it. */
const same: Partial<Outbound> = { model: "m" }

const encode = (text: string, set: Partial<Outbound> = {}): string =>
  Buffer.from(Splice.encode(request(text), outbound({ ...same, ...set })).body).toString()

/** The body that a provider would parse. */
const sent = (fields: object, set: Partial<Outbound> = {}): unknown =>
  JSON.parse(encode(JSON.stringify({ model: "m", messages, ...fields }), set))

const lost = (fields: object, set: Partial<Outbound>): ReadonlyArray<string> =>
  [...Splice.encode(made(fields), outbound({ ...same, ...set })).lost].toSorted()

describe("what goes to a provider of the same dialect", () => {
  const odd = '{ "seed": 12345678901234567890, "x": [1.0, {"y": 1e2}], "messages": [ ] , "model" : "m" }'

  it("is the very same array where nothing has to change", () => {
    const plain = request(odd)
    assert.strictEqual(Splice.encode(plain, outbound(same)).body, plain.body)
    const streamed = made({ stream: true, stream_options: { include_usage: true } })
    assert.strictEqual(Splice.encode(streamed, outbound({ ...same, stream: true })).body, streamed.body)
  })

  it("keeps big integers, the spelling of numbers, spaces and unknown fields when its model changes", () => {
    assert.strictEqual(encode(odd, { model: 'n"1' }), odd.replace('"m"', String.raw`"n\"1"`))
  })

  it.prop(
    "holds everything else that the caller sent, whatever changes",
    [
      FastCheck.dictionary(FastCheck.string(), FastCheck.jsonValue()),
      FastCheck.record({
        // No name of a model that thinks: those take no temperature.
        model: FastCheck.string().map((name) => `m${name}`),
        stream: FastCheck.boolean(),
        temperature: FastCheck.option(FastCheck.double({ min: 0, max: 2, noNaN: true }), { nil: undefined })
      })
    ],
    ([fields, set]) => {
      const rest = { model: "m", messages, temperature: 1 }
      const own = { fallback: null, models: [], provider: { only: ["x"] } }
      const extra = Object.fromEntries(Object.entries(fields).map(([key, value]) => [`x-${key}`, value]))
      const expected = JSON.parse(JSON.stringify({ ...extra, ...rest, model: set.model }))
      if (set.temperature !== undefined) expected.temperature = JSON.parse(String(set.temperature))
      if (set.stream) Object.assign(expected, { stream: true, stream_options: { include_usage: true } })
      assert.deepStrictEqual(JSON.parse(encode(JSON.stringify({ ...extra, ...rest, ...own }), set)), expected)
    }
  )

  it("holds none of the gateway's own fields", () => {
    const own = { fallback: { providers: [] }, models: ["b"], provider: { order: ["openai"] }, require: "lossless" }
    assert.deepStrictEqual(sent({ ...own, seed: 1 }), { model: "m", messages, seed: 1 })
    assert.deepStrictEqual(sent({ fallback: null, models: null, provider: null }), { model: "m", messages })
  })

  it("does not tell OpenRouter to ask OpenRouter: names of the instance itself are taken out", () => {
    const given = (provider: object) =>
      Json.record(sent({ provider }, { quirks: { preferences: true }, names: ["router", "openrouter"] }))["provider"]
    assert.deepStrictEqual(given({ order: ["router", "openai"], only: ["openrouter"], zdr: true }), {
      order: ["openai"],
      zdr: true
    })
    assert.isUndefined(given({ only: ["openrouter"] }))
    assert.isUndefined(given({ only: ["router"] }))
    assert.deepStrictEqual(given({ ignore: ["azure"] }), { ignore: ["azure"] })
  })

  it("keeps the preferences among providers for OpenRouter, whose own they are", () => {
    const own = { fallback: { providers: [] }, models: ["b"], provider: { order: ["openai"] } }
    assert.deepStrictEqual(sent(own, { quirks: { preferences: true } }), {
      model: "m",
      messages,
      provider: own.provider
    })
  })

  it("asks for the usage of a stream, and keeps the caller's other options", () => {
    const asked = { model: "m", messages, stream: true, stream_options: { include_usage: true } }
    assert.deepStrictEqual(sent({ stream: true }, { stream: true }), asked)
    assert.deepStrictEqual(sent({ stream: true, stream_options: null }, { stream: true }), asked)
    assert.deepStrictEqual(sent({ stream: true, stream_options: { include_usage: false } }, { stream: true }), asked)
    assert.deepStrictEqual(sent({ stream: true, stream_options: { include_obfuscation: false } }, { stream: true }), {
      ...asked,
      stream_options: { include_obfuscation: false, include_usage: true }
    })
  })

  it("asks no vendor for usage that does not know the question", () => {
    const usageUnasked = { stream: true, quirks: { usageUnasked: true } }
    assert.deepStrictEqual(sent({ stream: true }, usageUnasked), { model: "m", messages, stream: true })
  })

  it("turns streaming off, with its options, and on", () => {
    const streamed = { stream: true, stream_options: { include_usage: true } }
    assert.deepStrictEqual(sent(streamed), { model: "m", messages, stream: false })
    assert.deepStrictEqual(sent({}, { stream: true }), { model: "m", messages, ...streamed })
  })

  const limits: ReadonlyArray<readonly [string, string, object, object]> = [
    ["max_tokens", "m", {}, { max_tokens: 9 }],
    ["max_tokens", "m", { max_tokens: 5 }, { max_tokens: 9 }],
    ["max_completion_tokens where the caller uses it", "m", { max_completion_tokens: 5 }, { max_completion_tokens: 9 }],
    ["one of the two", "m", { max_completion_tokens: 5, max_tokens: 5 }, { max_completion_tokens: 9 }],
    ["max_completion_tokens for o3", "o3-mini", { max_tokens: 5 }, { max_completion_tokens: 9 }],
    ["max_completion_tokens for gpt-5", "gpt-5", {}, { max_completion_tokens: 9 }]
  ]
  for (const [what, model, fields, expected] of limits) {
    it(`has an overridden limit in ${what} (${JSON.stringify(fields)})`, () => {
      assert.deepStrictEqual(sent(fields, { model, maxTokens: 9 }), { model, messages, ...expected })
    })
  }

  it("has an overridden temperature, also when that is zero", () => {
    assert.deepStrictEqual(sent({ temperature: 1 }, { temperature: 0 }), { model: "m", messages, temperature: 0 })
  })
})

describe("what goes to a vendor of its own ways", () => {
  const only = { quirks: { maxTokensOnly: true } }

  it("has its limit where the vendor looks for it", () => {
    assert.deepStrictEqual(sent({ max_completion_tokens: 5 }, only), { model: "m", messages, max_tokens: 5 })
    assert.deepStrictEqual(sent({ max_completion_tokens: 5, max_tokens: 4 }, only), {
      model: "m",
      messages,
      max_tokens: 4
    })
    const overridden = { ...only, model: "gpt-5", maxTokens: 9 }
    assert.deepStrictEqual(sent({ max_completion_tokens: 5 }, overridden), { model: "gpt-5", messages, max_tokens: 9 })
  })

  it("holds nothing that the vendor refuses, and names what that was", () => {
    const refuses = { quirks: { refuses: ["seed", "user"] } }
    assert.deepStrictEqual(sent({ seed: 1, user: "u", top_p: 1 }, refuses), { model: "m", messages, top_p: 1 })
    assert.deepStrictEqual(lost({ seed: 1, user: "u", top_p: 1 }, refuses), ["foreign:seed", "foreign:user"])
    assert.deepStrictEqual(lost({ top_p: 1 }, refuses), [])
  })

  it("loses nothing with a member that asked for nothing", () => {
    const refuses = { quirks: { refuses: ["seed"] } }
    assert.deepStrictEqual(sent({ seed: null }, refuses), { model: "m", messages })
    assert.deepStrictEqual(lost({ seed: null }, refuses), [])
  })

  it("holds no override that the vendor refuses", () => {
    assert.deepStrictEqual(sent({}, { temperature: 0, quirks: { refuses: ["temperature"] } }), { model: "m", messages })
  })

  it("holds no options of a stream where the vendor refuses them, and that is no loss", () => {
    const set = { stream: true, quirks: { refuses: ["stream_options"] } }
    const asked = { stream: true, stream_options: { include_usage: true } }
    assert.deepStrictEqual(sent(asked, set), { model: "m", messages, stream: true })
    assert.deepStrictEqual(lost(asked, set), [])
  })
})

describe("a request that is never translated", () => {
  it("is changed in the same members", () => {
    const text = '{"model":"m","prompt":"p","seed":12345678901234567890,"stream":true,"models":["b"]}'
    const plain = Either.getOrThrow(PlainIn.decodeCompletions(Buffer.from(text), JSON.parse(text)))
    const { body } = Splice.encode(plain, outbound({ model: "n", stream: true }))
    assert.strictEqual(
      Buffer.from(body).toString(),
      '{"model":"n","prompt":"p","seed":12345678901234567890,"stream":true,"stream_options":{"include_usage":true}}'
    )
  })
})

describe("seals of earlier answers", () => {
  const turn = (fields: object) => ({ messages: [{ role: "assistant", content: "a", ...fields }] })
  const details = (...all: ReadonlyArray<object>) => turn({ reasoning_details: all })
  const call = (signature: string) => ({
    id: "call_1",
    type: "function",
    function: { name: "f", arguments: "{}" },
    extra_content: { google: { thought_signature: signature } }
  })
  const message = (fields: object, realm: string): unknown => {
    const { messages: all } = JSON.parse(encode(JSON.stringify({ model: "m", ...fields }), { realm }))
    return all[0]
  }

  it("go back to whom they are from, without the mark", () => {
    const thought = { type: "reasoning.text", text: "hm", index: 0 }
    const fields = details({ ...thought, signature: "orelse~there~S" }, { type: "x", data: "orelse~there~D" })
    assert.deepStrictEqual<unknown>(
      message(fields, "there"),
      details({ ...thought, signature: "S" }, { type: "x", data: "D" }).messages[0]
    )
    assert.deepStrictEqual<unknown>(
      message(turn({ tool_calls: [call("orelse~there~S")] }), "there"),
      turn({ tool_calls: [call("S")] }).messages[0]
    )
    assert.deepStrictEqual(lost(fields, { realm: "there" }), [])
  })

  it("go back without what says which text they seal", () => {
    const thought = { type: "reasoning.text", text: "hm", index: 0 }
    const signature = Thoughts.mark({ origin: "there", value: "S" }, "hm")
    assert.deepStrictEqual<unknown>(
      message(details({ ...thought, signature }), "there"),
      details({ ...thought, signature: "S" }).messages[0]
    )
  })

  it("go back unchanged, with every other byte, to those who need no mark", () => {
    const own: ReadonlyArray<readonly [object, string]> = [
      [details({ type: "reasoning.text", text: "hm", signature: "S" }, { data: "D" }), "openrouter"],
      [turn({ tool_calls: [call("S")] }), "gemini"]
    ]
    for (const [fields, realm] of own) {
      const asked = made(fields)
      assert.strictEqual(Splice.encode(asked, outbound({ ...same, realm })).body, asked.body)
    }
  })

  it("go to nobody else, and neither do the thoughts that they seal", () => {
    const kept = { type: "reasoning.text", text: "free", index: 0 }
    const fields = details(
      kept,
      { type: "reasoning.text", text: "sea", index: 1 },
      { type: "reasoning.text", text: "led", index: 1 },
      { type: "reasoning.text", text: "", signature: "orelse~there~S", index: 1 },
      { type: "reasoning.encrypted", data: "orelse~there~D", index: 2 },
      { type: "reasoning.text", text: "sealed", signature: "S" }
    )
    assert.deepStrictEqual<unknown>(message(fields, "here"), details(kept).messages[0])
    assert.deepStrictEqual(lost(fields, { realm: "here" }), ["reasoning_history"])
  })

  it("do not go where a client kept only the end of what they seal", () => {
    const fields = details({ type: "reasoning.text", signature: "S", index: 0 }, { type: "reasoning.text", text: "b" })
    assert.deepStrictEqual<unknown>(
      message(fields, "openrouter"),
      details({ type: "reasoning.text", text: "b" }).messages[0]
    )
    assert.deepStrictEqual(lost(fields, { realm: "openrouter" }), ["reasoning_history"])
  })

  it("leave a call where it was", () => {
    const fields = turn({ tool_calls: [call("orelse~there~S"), call("T")] })
    const { extra_content: _, ...bare } = call("")
    assert.deepStrictEqual<unknown>(message(fields, "gemini"), turn({ tool_calls: [bare, call("T")] }).messages[0])
    assert.deepStrictEqual(lost(fields, { realm: "gemini" }), ["reasoning_history"])
  })

  it("are named beside what the vendor refuses", () => {
    const set = { realm: "here", quirks: { refuses: ["seed"] } }
    assert.deepStrictEqual(lost({ ...details({ data: "D" }), seed: 1 }, set), ["foreign:seed", "reasoning_history"])
  })

  it("are not looked for in words that only sound like them", () => {
    const asked = made({ messages: [{ role: "user", content: "what are reasoning_details?" }] })
    assert.strictEqual(Splice.encode(asked, outbound({ ...same, realm: "here" })).body, asked.body)
  })

  it("are taken out without harm to big numbers beside them", () => {
    const text =
      '{"model":"m","messages":[{"role":"assistant","weight":12345678901234567890,' +
      '"reasoning_details":[{"data":"orelse~there~D"}]}]}'
    assert.strictEqual(encode(text, { realm: "there" }), text.replace("orelse~there~D", "D"))
  })
})

describe("a history for a vendor that insists", () => {
  const id = "call_abcdefghijklmnopqrstuvwx"
  const called = (name: string) => ({ id: name, type: "function", function: { name: "f", arguments: "{}" } })
  const history = (name: string, more: object = {}) => ({
    messages: [
      { role: "assistant", content: null, tool_calls: [called(name)], ...more },
      { role: "tool", tool_call_id: name, content: "42" }
    ]
  })
  const to = (fields: object, quirks: Quirks): ReadonlyArray<Record<string, unknown>> =>
    JSON.parse(encode(JSON.stringify({ model: "m", ...fields }), { quirks })).messages

  it("on ids of a form has other ones, alike in calls and results", () => {
    const [asked, answered] = to(history(id), { toolIds: "mistral" })
    const fitted = String(answered?.["tool_call_id"])
    assert.match(fitted, /^[a-zA-Z0-9]{9}$/)
    assert.deepStrictEqual(asked?.["tool_calls"], [called(fitted)])
    assert.deepStrictEqual(lost(history(id), { quirks: { toolIds: "mistral" } }), [])
  })

  it("on ids of a form is the very same array where they have it", () => {
    const asked = made(history("abcdefgh1"))
    assert.strictEqual(Splice.encode(asked, outbound({ ...same, quirks: { toolIds: "mistral" } })).body, asked.body)
  })

  const named = ["foreign:messages.extra", "foreign:messages.name"]
  const more = { refusal: null, annotations: [], name: "Ann", reasoning_content: "hm", extra: 1 }

  it("on members that it knows has no others, and loses its thoughts", () => {
    const closed = { closedMessages: true }
    assert.deepStrictEqual<unknown>(to(history(id, more), closed), history(id).messages)
    assert.deepStrictEqual(lost(history(id, more), { quirks: closed }), [...named, "reasoning_history"])
    assert.deepStrictEqual(lost(history(id, { refusal: null }), { quirks: closed }), [])
  })

  it("on members that it knows keeps the thoughts that it takes back", () => {
    const quirks: Quirks = { closedMessages: true, reasoning: "reasoning_content" }
    const { reasoning_content } = more
    assert.deepStrictEqual<unknown>(to(history(id, more), quirks), history(id, { reasoning_content }).messages)
    assert.deepStrictEqual(lost(history(id, more), { quirks }), named)
  })

  it("is OpenAI's without others' thoughts, and else as it was", () => {
    const { reasoning_content: _, ...rest } = more
    assert.deepStrictEqual<unknown>(to(history(id, more), { openai: true }), history(id, rest).messages)
    assert.deepStrictEqual(lost(history(id, more), { quirks: { openai: true } }), ["reasoning_history"])
    const asked = made(history(id, rest))
    assert.strictEqual(Splice.encode(asked, outbound({ ...same, quirks: { openai: true } })).body, asked.body)
  })

  it("stays as it is for everybody else", () => {
    const asked = made(history(id, more))
    assert.strictEqual(Splice.encode(asked, outbound(same)).body, asked.body)
  })

  it("of OpenAI's reasoning models is bounded under the name that they know", () => {
    const bounded = { max_tokens: 5 }
    assert.deepStrictEqual(sent(bounded, { model: "gpt-5" }), { model: "gpt-5", messages, max_completion_tokens: 5 })
    assert.deepStrictEqual(sent(bounded, { model: "gpt-4o" }), { model: "gpt-4o", messages, max_tokens: 5 })
    assert.deepStrictEqual(sent({ ...bounded, max_completion_tokens: 4 }, { model: "o3" }), {
      model: "o3",
      messages,
      max_completion_tokens: 4
    })
  })

  it("on reasoning with every call of a tool shows some, and nobody else is shown any", () => {
    const reasoned = { reasonedCalls: true }
    assert.deepStrictEqual<unknown>(
      to(history(id, { reasoning: "hm" }), reasoned),
      history(id, { reasoning: "hm", reasoning_content: "hm" }).messages
    )
    assert.deepStrictEqual<unknown>(to(history(id), reasoned), history(id, { reasoning_content: " " }).messages)
    for (const [fields, quirks] of [
      [history(id), {}],
      [history(id, { reasoning_content: "hm" }), reasoned]
    ] as const) {
      const asked = made(fields)
      assert.strictEqual(Splice.encode(asked, outbound({ ...same, quirks })).body, asked.body)
    }
  })

  it("on text in what tools gave has the user show the rest, and else stays as it is", () => {
    const picture = { type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } }
    const result = { role: "tool", tool_call_id: "a", content: [{ type: "text", text: "r" }, picture] }
    const shows = { messages: [result] }
    assert.deepStrictEqual<unknown>(to(shows, { results: "text" }), [
      { ...result, content: [{ type: "text", text: "r" }] },
      { role: "user", content: [picture] }
    ])
    for (const quirks of [{}, { results: "pictures" }] as const) {
      const asked = made(shows)
      assert.strictEqual(Splice.encode(asked, outbound({ ...same, quirks })).body, asked.body)
    }
  })

  it("of OpenAI's reasoning models is no warmer than they are, and says what is lost with that", () => {
    const warm = { temperature: 0.5, top_p: 1, frequency_penalty: 0.1 }
    assert.deepStrictEqual(sent(warm, { model: "gpt-5-mini" }), { model: "gpt-5-mini", messages, top_p: 1 })
    assert.deepStrictEqual(lost(warm, { model: "gpt-5-mini" }), ["frequency_penalty", "temperature"])
    assert.deepStrictEqual(sent({}, { model: "o3", temperature: 0.5 }), { model: "o3", messages })
    assert.deepStrictEqual(lost({}, { model: "o3", temperature: 0.5 }), ["temperature"])
    assert.deepStrictEqual(sent(warm, { model: "gpt-4o" }), { model: "gpt-4o", messages, ...warm })
    assert.deepStrictEqual(lost({ ...warm, reasoning_effort: "low" }, { model: "gpt-5.2" }), [
      "frequency_penalty",
      "temperature"
    ])
  })

  it("without marks for the cache has none in its parts, and loses them", () => {
    const part = { type: "text", text: "hi" }
    const marked = { messages: [{ role: "user", content: [{ ...part, cache_control: { type: "ephemeral" } }] }] }
    for (const quirks of [{ closedMessages: true }, { openai: true }]) {
      assert.deepStrictEqual<unknown>(to(marked, quirks), [{ role: "user", content: [part] }])
      assert.deepStrictEqual(lost(marked, { quirks }), ["cache_control"])
    }
    const asked = made(marked)
    assert.strictEqual(Splice.encode(asked, outbound(same)).body, asked.body)
  })
})
