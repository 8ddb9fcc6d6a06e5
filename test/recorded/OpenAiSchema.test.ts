import { assert, describe, it } from "@effect/vitest"
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js"
import * as Either from "effect/Either"
import { existsSync, readFileSync } from "node:fs"
import type { ChatDialect } from "../../src/domain/Dialect.js"
import * as ErrorOut from "../../src/protocol/openai/ErrorOut.js"
import * as AnthropicIn from "../../src/protocol/anthropic/PromptIn.js"
import * as RequestOut from "../../src/protocol/openai/RequestOut.js"
import * as Sse from "../../src/protocol/Sse.js"
import { StreamMachine } from "../../src/protocol/StreamMachine.js"
import * as Translation from "../../src/protocol/Translation.js"
import { request } from "../support/gateway.js"
import { everyCase, note, type Case } from "./cases.js"

/**
 * OpenAI's own schemas as the judge of what the gateway says in OpenAI's dialect. They are relaxed where OpenAI's traffic
 * itself fails them: members that came to the API later may be missing or null. What vendors leave out around the choices
 * may be missing too, because every client takes it so, and bytes pass where nobody minds.
 */
const file = new URL("../../../shared/openai-spec/chat.schema.json", import.meta.url)

interface Schema {
  required?: ReadonlyArray<string>
  properties?: Record<string, Schema>
  [keyword: string]: unknown
}

const optional = new Set(
  "refusal logprobs annotations content service_tier top_logprobs bytes id object created model".split(" ")
)

const nullable = ["system_fingerprint", "service_tier", "annotations", "audio", "function_call", "metadata"]

const relaxed = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(relaxed)
  if (typeof schema !== "object" || schema === null) return schema
  const out: Schema = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, relaxed(value)]))
  if (Array.isArray(out.required)) out.required = out.required.filter((name) => !optional.has(name))
  for (const name of nullable) {
    const own = out.properties?.[name]
    // Other vendors have tiers of their own.
    const type = name === "service_tier" ? { type: "string" } : own
    if (own !== undefined && out.properties !== undefined) out.properties[name] = { anyOf: [type, { type: "null" }] }
  }
  return out
}

const validators = (): ((name: string) => ValidateFunction) => {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false, discriminator: false })
  ajv.addSchema(Object(relaxed(JSON.parse(readFileSync(file, "utf8")))), "openai")
  return (name) => ajv.getSchema(`openai#/$defs/${name}`) ?? assert.fail(`the schema has no ${name}`)
}

const served: Readonly<Record<string, ChatDialect>> = {
  "openai-chat": "openai-chat",
  "anthropic-messages": "anthropic-messages",
  gemini: "gemini",
  "cloudflare-run": "workers-ai",
  "ollama-api-chat": "ollama"
}

const answering: Translation.Answering = {
  realm: "a",
  model: "m",
  created: 1_700_000_000,
  hidesUsage: false,
  fresh: (prefix) => `${prefix}1`
}

/** What a caller of OpenAI's dialect gets of a recorded answer, as JSON; nothing where it is an error. */
const emitted = ({ body, dialect, status, streaming }: Case): ReadonlyArray<unknown> => {
  const back = served[dialect]
  if (back === undefined || status >= 300) return []
  const asked = request({ stream: streaming, stream_options: { include_usage: true } })
  if (!streaming) {
    const answer = Translation.decodeAnswer(asked, back, body, () => answering)
    return Either.isRight(answer) ? [JSON.parse(Buffer.from(answer.right.body).toString())] : []
  }
  const machine = new StreamMachine(Translation.way(asked, back, answering))
  const frames = [...machine.push(body), ...machine.end()]
  return frames.flatMap((frame) => {
    const data = Sse.data(frame)
    return data === undefined ? [] : [JSON.parse(data)]
  })
}

describe.skipIf(!existsSync(file))("what the gateway says in OpenAI's dialect", () => {
  const schema = existsSync(file) ? validators() : () => assert.fail("not here")
  const complaints = (name: string, value: unknown): ReadonlyArray<string> => {
    const validate = schema(name)
    return validate(value) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`)
  }

  for (const each of everyCase.filter(({ dialect }) => dialect in served)) {
    it(`is as OpenAI's schema has it: ${each.file}`, () => {
      const name = each.streaming ? "CreateChatCompletionStreamResponse" : "CreateChatCompletionResponse"
      for (const value of emitted(each)) assert.deepStrictEqual(complaints(name, value), [])
    })
  }

  it("is as OpenAI's schema has it: an error", () => {
    const error = { status: 503, message: "m", type: "service_unavailable", param: null, code: "c", requestId: "r" }
    assert.deepStrictEqual(complaints("ErrorResponse", JSON.parse(ErrorOut.errorBody(error).toString())), [])
  })

  it("is as OpenAI's schema has it: a request that came in Anthropic's dialect", () => {
    const prompt = AnthropicIn.prompt({
      model: "m",
      max_tokens: 10,
      system: [{ type: "text", text: "be kind", cache_control: { type: "ephemeral" } }],
      stop_sequences: ["x"],
      tools: [{ name: "f", description: "d", input_schema: { type: "object", properties: {} } }],
      tool_choice: { type: "tool", name: "f", disable_parallel_tool_use: true },
      messages: [
        { role: "user", content: [{ type: "image", source: { type: "base64", media_type: "image/png", data: "AA" } }] },
        {
          role: "assistant",
          content: [
            { type: "text", text: "a" },
            { type: "tool_use", id: "t", name: "f", input: { x: 1 } }
          ]
        },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: "done" }] }
      ]
    })
    const outbound = {
      model: "gpt-4o",
      realm: "a",
      names: [],
      quirks: {},
      maxTokens: undefined,
      temperature: undefined
    }
    const { json, lost } = RequestOut.encode(prompt, { ...outbound, stream: true })
    assert.deepStrictEqual(complaints("CreateChatCompletionRequest", json), [])
    assert.deepStrictEqual([...lost], ["cache_control"])
  })

  it(`has been looked at on recorded traffic${note}`, () => {
    assert.isAbove(everyCase.filter((each) => emitted(each).length > 0).length, 20)
  })
})
