import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import { CacheKeys } from "../../src/cache/CacheKey.js"
import { local, type Caller } from "../../src/domain/Caller.js"
import type { ChatRequest } from "../../src/domain/ChatRequest.js"
import { fronts } from "../../src/protocol/Fronts.js"

type Json = Readonly<Record<string, unknown>>

/** All that a request can say which may change its answer. */
const full: Json = {
  model: "m",
  messages: [
    { role: "system", content: "Be brief." },
    {
      role: "user",
      content: [
        { type: "text", text: "What is this?" },
        { type: "image_url", image_url: { url: "data:,x", detail: "low" } }
      ]
    },
    {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: "{}" } }]
    },
    { role: "tool", tool_call_id: "c1", content: "42" }
  ],
  tools: [{ type: "function", function: { name: "f", parameters: { type: "object", properties: { a: {} } } } }],
  tool_choice: "auto",
  temperature: 0,
  top_p: 1,
  seed: 7,
  n: 1,
  stop: ["a"],
  max_tokens: 10,
  max_completion_tokens: 20,
  presence_penalty: 0.5,
  logit_bias: { "50256": -100 },
  logprobs: false,
  response_format: { type: "json_schema", json_schema: { name: "s", schema: { type: "object" } } },
  reasoning_effort: "low",
  service_tier: "auto",
  user: "u",
  metadata: { team: "t" },
  models: ["n"],
  fallback: { enabled: true, providers: [{ provider: "b", model_name: "m" }] },
  provider: { order: ["a"] },
  require: "lossless",
  mid_stream: "never",
  unheard_of: { deep: [1, { deeper: true }] }
}

const asked = (json: Json | string, more: Partial<ChatRequest> = {}): ChatRequest => {
  const text = typeof json === "string" ? json : JSON.stringify(json)
  const front = fronts[more.dialect ?? "openai-chat"]
  return { ...Either.getOrThrow(front.decodeRequest(Buffer.from(text), JSON.parse(text))), ...more }
}

const keys = new CacheKeys()

const keyOf = (request: ChatRequest, caller: Caller = local, chain = "a", streamed = false): string =>
  keys.of(request, caller, chain, streamed) ?? assert.fail("no key")

/** Every place in a value where something stands. */
const places = (value: unknown): ReadonlyArray<ReadonlyArray<string>> =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, child]) => [[key], ...places(child).map((path) => [key, ...path])])
    : []

const changed = (value: unknown, [key = "", ...rest]: ReadonlyArray<string>, to: unknown): unknown => {
  if (Array.isArray(value)) {
    return value.map((item: unknown, place) =>
      String(place) !== key ? item : rest.length === 0 ? to : changed(item, rest, to)
    )
  }
  const entries = Object.entries(value as object)
  return Object.fromEntries(
    entries.flatMap(([name, child]) =>
      name !== key ? [[name, child]] : to === gone ? [] : [[name, rest.length === 0 ? to : changed(child, rest, to)]]
    )
  )
}

const gone = Symbol("gone")

/** The same JSON in other bytes: keys in another order, other white space. */
const written = (value: unknown, chance: () => number): string => {
  const space = () => [" ", "\n", "\t ", ""][Math.floor(chance() * 4)] ?? ""
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"]
  const members = Array.isArray(value)
    ? value.map((item) => written(item, chance))
    : Object.entries(value)
        .map((entry) => ({ entry, at: chance() }))
        .toSorted((a, b) => a.at - b.at)
        .map(({ entry: [key, item] }) => `${JSON.stringify(key)}${space()}:${space()}${written(item, chance)}`)
  return `${open}${space()}${members.join(`${space()},${space()}`)}${space()}${close}`
}

describe("the key of a request", () => {
  it("is the same whatever the order of its keys and its white space", () => {
    const plain = keyOf(asked(full))
    FastCheck.assert(
      FastCheck.property(FastCheck.infiniteStream(FastCheck.double({ min: 0, max: 0.999, noNaN: true })), (chances) => {
        const chance = () => chances.next().value ?? 0
        assert.strictEqual(keyOf(asked(written(full, chance))), plain)
      }),
      { numRuns: 200 }
    )
  })

  it("is another one when anything in the body is another, in whatever depth", () => {
    const plain = keyOf(asked(full))
    const ways = places(full)
    assert.isAbove(ways.length, 60)
    FastCheck.assert(
      FastCheck.property(FastCheck.constantFrom(...ways), FastCheck.jsonValue(), (path, to) => {
        const other = changed(full, path, to)
        FastCheck.pre(JSON.stringify(other) !== JSON.stringify(full) && !deepEqual(other, full))
        const body = Buffer.from(JSON.stringify(other))
        assert.notStrictEqual(keyOf({ ...asked(full), body }), plain, path.join("."))
      }),
      { numRuns: 2_000 }
    )
  })

  it.each(Object.keys(full))("is another one without %s", (name) => {
    const body = Buffer.from(JSON.stringify(changed(full, [name], gone)))
    assert.notStrictEqual(keyOf({ ...asked(full), body }), keyOf(asked(full)))
  })

  it("tells apart whose names or texts run together alike", () => {
    const caller = (tenant: string, key?: string, user?: string): Caller => ({ tenant, key, user })
    const request = asked(full)
    const callers = [
      local,
      caller("a"),
      caller("a", "b"),
      caller("a", undefined, "b"),
      caller("ab"),
      caller('a","b'),
      caller("a", "b", "c"),
      caller("a", "bc"),
      caller("a", "")
    ]
    assert.lengthOf(new Set(callers.map((each) => keyOf(request, each))), callers.length)
    const alike = ['{"a":"b"}', '{"a":["b"]}', '{"a":{"b":null}}', '{"a":null,"b":null}', '{"a,b":null}']
    const bodies = alike.map((text) => ({ ...request, body: Buffer.from(text) }))
    assert.lengthOf(new Set(bodies.map((each) => keyOf(each))), alike.length)
  })

  it("is another one for another dialect, model, header, chain of providers, and for a stream", () => {
    const request = asked(full)
    const others = [
      keyOf(request),
      keyOf({ ...request, dialect: "openai-completions" }),
      keyOf({ ...request, dialect: "anthropic-messages" }),
      keyOf({ ...request, model: "other" }),
      keyOf({ ...request, headers: { "anthropic-beta": "a" } }),
      keyOf({ ...request, headers: { "anthropic-beta": "b" } }),
      keyOf({ ...request, headers: { "anthropic-version": "b" } }),
      keyOf({ ...request, headers: { "anthropic-beta": "a", "anthropic-version": "b" } }),
      keyOf(request, local, "b"),
      keyOf(request, local, "a", true)
    ]
    assert.lengthOf(new Set(others), others.length)
    assert.strictEqual(
      keyOf({ ...request, headers: { "anthropic-version": "b", "anthropic-beta": "a" } }),
      keyOf({ ...request, headers: { "anthropic-beta": "a", "anthropic-version": "b" } })
    )
  })

  it("does not ask how a whole answer would be streamed, nor for a session", () => {
    const plain = keyOf(asked(full))
    assert.strictEqual(keyOf(asked({ ...full, stream: false, stream_options: { include_usage: true } })), plain)
    assert.strictEqual(keyOf(asked(full, { session: "s" })), plain)
    const stream = keyOf(asked({ ...full, stream: true }), local, "a", true)
    assert.strictEqual(keyOf(asked(full), local, "a", true), stream)
    assert.notStrictEqual(
      keyOf(asked({ ...full, stream: true, stream_options: { include_usage: true } }), local, "a", true),
      stream
    )
  })

  it("tells numbers apart that a double cannot", () => {
    const seeded = (seed: string) => keyOf(asked(`{"model":"m","messages":[],"seed":${seed}}`))
    const seeds = ["9007199254740993", "9007199254740992", "9007199254740991", "0.12345678901234567891", "null"]
    assert.lengthOf(new Set(seeds.map(seeded)), seeds.length)
    assert.strictEqual(seeded("1"), seeded("1.0"))
    assert.strictEqual(
      keyOf(asked('{"model":"m","seed":9007199254740993,"messages":[]}')),
      keyOf(asked('{ "seed" : 9007199254740993, "messages":[], "model":"m" }'))
    )
  })

  it("is none for what cannot be told from others, or is nested absurdly", () => {
    const of = (text: string) => keys.of({ ...asked(full), body: Buffer.from(text) }, local, "a", false)
    assert.isUndefined(of('{"seed":1e400}'))
    assert.isUndefined(of(`{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`))
    assert.isUndefined(of(`{"a":${'{"b":'.repeat(300)}1${"}".repeat(300)}}`))
    assert.isUndefined(of(`{"seed":9007199254740993,"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`))
    assert.isDefined(of(`{"a":${"[".repeat(200)}${"]".repeat(200)}}`))
  })
})

const deepEqual = (one: unknown, other: unknown): boolean => {
  try {
    assert.deepStrictEqual(JSON.parse(JSON.stringify(one)), JSON.parse(JSON.stringify(other)))
    return true
  } catch {
    return false
  }
}
