import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { complete, drained, stream } from "../support/calls.js"
import { instance } from "../support/settings.js"
import { replaying } from "../support/wires.js"
import { everyCase, note, type Case } from "./cases.js"
import { servedAs } from "./replay.js"

type Json = Readonly<Record<string, unknown>>

/** What a recording says was used, in the vendor's words, read with nothing of the gateway's; and how it is told in both shapes. */
interface Retelling {
  readonly usedIn: (objects: ReadonlyArray<Json>) => Json | undefined
  readonly whole: (used: Json) => unknown
  readonly streamed: (used: Json) => string
}

const object = (value: unknown): Json => Object(value)

/** A vendor may say `null` in all frames but one. */
const last = (told: ReadonlyArray<unknown>): Json | undefined =>
  told.flatMap((each) => (each === undefined || each === null ? [] : [object(each)])).at(-1)

const frame = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`
const event = (data: { readonly type: string }): string => `event: ${data.type}\n${frame(data)}`
const line = (data: unknown): string => `${JSON.stringify(data)}\n`

const chunk = (fields: object): string =>
  frame({ id: "1", object: "chat.completion.chunk", created: 1, model: "m", ...fields })

const openai: Retelling = {
  usedIn: (objects) => last(objects.map(({ usage, x_groq }) => usage ?? object(x_groq)["usage"])),
  whole: (usage) => ({
    id: "1",
    object: "chat.completion",
    created: 1,
    model: "m",
    choices: [{ index: 0, message: { role: "assistant", content: "hello" }, finish_reason: "stop" }],
    usage
  }),
  streamed: (usage) =>
    chunk({ choices: [{ index: 0, delta: { role: "assistant", content: "hello" }, finish_reason: null }] }) +
    chunk({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }) +
    chunk({ choices: [], usage }) +
    "data: [DONE]\n\n"
}

const message = { id: "msg_1", type: "message", role: "assistant", model: "m", stop_sequence: null }

const anthropic: Retelling = {
  // A stream tells first what is read, and in the end what has become of it; what it does not tell again still holds.
  usedIn: (objects) => {
    const told = objects.flatMap(({ message: begun, usage }) => Object.entries(object(usage ?? object(begun)["usage"])))
    return told.length === 0 ? undefined : Object.fromEntries(told.filter(([, value]) => value !== null))
  },
  whole: (usage) => ({ ...message, content: [{ type: "text", text: "hello" }], stop_reason: "end_turn", usage }),
  streamed: (usage) => {
    const { cache_creation, ...rest } = usage
    return [
      {
        type: "message_start",
        message: {
          ...message,
          content: [],
          stop_reason: null,
          usage: { ...rest, cache_creation, output_tokens: 1, output_tokens_details: undefined }
        }
      },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "hello" } },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: rest },
      { type: "message_stop" }
    ]
      .map(event)
      .join("")
  }
}

const said = {
  candidates: [{ index: 0, content: { role: "model", parts: [{ text: "hello" }] }, finishReason: "STOP" }]
}

const gemini: Retelling = {
  usedIn: (objects) => last(objects.map(({ usageMetadata }) => usageMetadata)),
  whole: (usageMetadata) => ({ ...said, usageMetadata }),
  streamed: (usageMetadata) => frame({ ...said, usageMetadata: { promptTokenCount: 1 } }) + frame({ usageMetadata })
}

const workersAi: Retelling = {
  usedIn: (objects) => last(objects.map(({ result, usage }) => object(result)["usage"] ?? usage)),
  whole: (usage) => ({ result: { response: "hello", usage }, success: true, errors: [], messages: [] }),
  streamed: (usage) => frame({ response: "hello" }) + frame({ response: "", usage }) + "data: [DONE]\n\n"
}

const ollama: Retelling = {
  usedIn: (objects) =>
    objects.flatMap(({ eval_count, prompt_eval_count }) =>
      eval_count === undefined ? [] : [{ eval_count, prompt_eval_count }]
    )[0],
  whole: (used) => ({
    model: "m",
    message: { role: "assistant", content: "hello" },
    done: true,
    done_reason: "stop",
    ...used
  }),
  streamed: (used) =>
    line({ model: "m", message: { role: "assistant", content: "hello" }, done: false }) +
    line({ model: "m", message: { role: "assistant", content: "" }, done: true, done_reason: "stop", ...used })
}

const retellings: Readonly<Record<string, Retelling>> = {
  "openai-chat": openai,
  "anthropic-messages": anthropic,
  gemini,
  "cloudflare-run": workersAi,
  "ollama-api-chat": ollama
}

/** The JSON objects of an answer, whatever its shape. */
const objectsIn = ({ body, dialect, streaming }: Case): ReadonlyArray<Json> => {
  const text = body.toString()
  if (!streaming) return [JSON.parse(text)]
  const told = dialect.startsWith("ollama")
    ? text.split("\n")
    : [...text.matchAll(/^data: ?(.*)$/gm)].map(([, data = ""]) => data)
  return told.filter((data) => data.startsWith("{")).map((data) => JSON.parse(data))
}

/** Usage and the reported cost as a call ends with them. */
const used = (one: Pick<Case, "body" | "dialect" | "headers" | "streaming" | "status">, vendor: object) =>
  Effect.gen(function* () {
    const made = instance("a", { ...vendor, baseUrl: "http://127.0.0.1:8000" })
    const wires = replaying(one.status, one.headers, one.body)
    if (!one.streaming) {
      const { answer } = yield* complete(wires, made)
      return { usage: answer.usage, cost: answer.reportedCost }
    }
    const opened = yield* stream(wires, made)
    yield* drained(opened)
    return { usage: opened.usage(), cost: opened.reportedCost() }
  })

const kinds = { whole: "application/json", sse: "text/event-stream", ollama: "application/x-ndjson" }

/** The same usage in the other shape. */
const retold = ({ dialect, streaming }: Case, { streamed, whole }: Retelling, usage: Json) => ({
  dialect,
  status: 200,
  streaming: !streaming,
  headers: { "content-type": streaming ? kinds.whole : dialect.startsWith("ollama") ? kinds.ollama : kinds.sse },
  body: Buffer.from(streaming ? JSON.stringify(whole(usage)) : streamed(usage))
})

const answers = everyCase.flatMap((one) => {
  const retelling = retellings[one.dialect]
  const served = servedAs(one)
  if (one.category !== undefined || one.status !== 200 || retelling === undefined || served === undefined) return []
  const usage = retelling.usedIn(objectsIn(one))
  return usage === undefined ? [] : [{ one, retelling, usage, vendor: served.vendor }]
})

describe(`what an answer used${note}`, () => {
  it.effect.each(answers)("is the same streamed and whole: $one.file", ({ one, retelling, usage, vendor }) =>
    Effect.gen(function* () {
      const recorded = yield* used(one, vendor)
      assert.isDefined(recorded.usage)
      assert.deepStrictEqual(yield* used(retold(one, retelling, usage), vendor), recorded)
    })
  )

  const special: ReadonlyArray<readonly [string, Json, Json]> = [
    [
      "openai-chat",
      {
        prompt_tokens: 100,
        completion_tokens: 60,
        total_tokens: 160,
        prompt_tokens_details: { cached_tokens: 30, audio_tokens: 50 },
        completion_tokens_details: { reasoning_tokens: 10, audio_tokens: 40 }
      },
      { input: 20, cacheRead: 30, cacheWrite: 0, output: 10, reasoning: 10, inputAudio: 50, outputAudio: 40 }
    ],
    [
      "anthropic-messages",
      {
        input_tokens: 10,
        cache_read_input_tokens: 20,
        cache_creation_input_tokens: 300,
        cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 },
        output_tokens: 40,
        output_tokens_details: { thinking_tokens: 15 }
      },
      { input: 10, cacheRead: 20, cacheWrite: 100, output: 25, reasoning: 15, cacheWrite1h: 200 }
    ],
    [
      "gemini",
      {
        promptTokenCount: 100,
        cachedContentTokenCount: 40,
        cacheTokensDetails: [
          { modality: "TEXT", tokenCount: 30 },
          { modality: "AUDIO", tokenCount: 10 }
        ],
        promptTokensDetails: [
          { modality: "TEXT", tokenCount: 65 },
          { modality: "AUDIO", tokenCount: 35 }
        ],
        candidatesTokenCount: 20,
        candidatesTokensDetails: [{ modality: "AUDIO", tokenCount: 20 }],
        thoughtsTokenCount: 5,
        totalTokenCount: 125
      },
      {
        input: 35,
        cacheRead: 30,
        cacheWrite: 0,
        output: 0,
        reasoning: 5,
        inputAudio: 25,
        cacheReadAudio: 10,
        outputAudio: 20
      }
    ]
  ]
  it.effect.each(special)("is told in every bucket, streamed and whole: %s", ([dialect, usage, buckets]) =>
    Effect.gen(function* () {
      for (const streaming of [false, true]) {
        const shape = {
          file: dialect,
          provider: "own",
          dialect,
          streaming: !streaming,
          status: 200,
          special: [],
          headers: {},
          category: undefined
        }
        const one: Case = { ...shape, body: Buffer.alloc(0) }
        const retelling = retellings[dialect] ?? assert.fail("nobody tells it")
        const { vendor } = servedAs(one) ?? assert.fail("nobody serves it")
        const told = yield* used(retold(one, retelling, usage), vendor)
        assert.deepStrictEqual<unknown>(told.usage, buckets)
      }
    })
  )
})
