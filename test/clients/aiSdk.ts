import { createAnthropic } from "@ai-sdk/anthropic"
import { createOpenAI } from "@ai-sdk/openai"
import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import { createOpenRouter } from "@openrouter/ai-sdk-provider"
import { generateText, jsonSchema, NoSuchToolError, streamText, type LanguageModel, type ToolSet } from "ai"
import { messages, parameters, property, type Asking, type Client, type ToolCall } from "./Client.js"

type Model = (url: string, model: string) => LanguageModel

/** Vercel's `ai` with one of its providers. */
const make = (name: string, front: Client["front"], model: Model): Client => ({
  name: `ai with ${name}`,
  front,
  whole: async (asking) => {
    const { finishReason, text, toolCalls } = await generateText(question(model, asking))
    return { text, calls: toolCalls.flatMap(callOf), finish: finishReason }
  },
  streamed: async (asking) => {
    const calls: Array<ToolCall> = []
    let text = ""
    let finish: string | undefined
    for await (const part of streamText({ ...question(model, asking), onError: () => {} }).fullStream) {
      if (part.type === "error") throw part.error
      if (part.type === "text-delta") text += part.text
      if (part.type === "tool-call") calls.push(...callOf(part))
      if (part.type === "finish") finish = part.finishReason
    }
    return { text, calls, finish }
  },
  async *pieces(url, abortSignal) {
    const asked = { ...question(model, { url, model: "m", tools: [] }), abortSignal, onError: () => {} }
    for await (const part of streamText(asked).fullStream) {
      if (part.type === "error") throw part.error
      if (part.type === "text-delta") yield part.text
    }
  },
  status: (error) => property(error, "statusCode")
})

export const aiSdk: ReadonlyArray<Client> = [
  make("@ai-sdk/openai", "openai-chat", (url, model) =>
    createOpenAI({ baseURL: `${url}/v1`, apiKey: "k" }).chat(model)
  ),
  make("@ai-sdk/openai-compatible", "openai-chat", (url, model) =>
    createOpenAICompatible({ name: "orelse", baseURL: `${url}/v1`, apiKey: "k" })(model)
  ),
  make("@openrouter/ai-sdk-provider", "openai-chat", (url, model) =>
    createOpenRouter({ baseURL: `${url}/v1`, apiKey: "k" }).chat(model)
  ),
  make("@ai-sdk/anthropic", "anthropic-messages", (url, model) =>
    createAnthropic({ baseURL: `${url}/v1`, apiKey: "k" })(model)
  )
]

const question = (model: Model, asking: Asking) => {
  const tools: ToolSet = Object.fromEntries(
    asking.tools.map((name) => [name, { inputSchema: jsonSchema<object>(parameters) }])
  )
  return { model: model(asking.url, asking.model), messages, tools, maxRetries: 0 }
}

interface Call {
  readonly toolName: string
  readonly input: unknown
  readonly invalid?: boolean | undefined
  readonly error?: unknown
  readonly providerExecuted?: boolean | undefined
}

/** A provider's own tool is none of the caller's; of a call that it could not read, the library only makes a note. */
const callOf = ({ error, input, invalid, providerExecuted, toolName }: Call): ReadonlyArray<ToolCall> => {
  if (invalid === true && !NoSuchToolError.isInstance(error)) throw error
  return providerExecuted === true ? [] : [{ name: toolName, arguments: input }]
}
