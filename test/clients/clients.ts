import { createOpenAI } from "@ai-sdk/openai"
import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import { ChatOpenAI } from "@langchain/openai"
import { generateText, jsonSchema, streamText, type LanguageModel, type ToolSet } from "ai"
import OpenAI from "openai"

/** A call of a tool as a client gives it to its user. */
export interface ToolCall {
  readonly name: string
  readonly arguments: unknown
}

/** What a program does with its client, whichever it is. None of them tries anything again by itself. */
export interface Client {
  readonly name: string
  readonly text: (url: string) => Promise<string>
  /** The pieces of a stream; `signal` breaks it off. */
  readonly stream: (url: string, signal: AbortSignal) => AsyncIterable<string>
  readonly tool: (url: string) => Promise<ToolCall | undefined>
  readonly streamedTool: (url: string) => Promise<ToolCall | undefined>
  /** The HTTP status of an error that it threw. */
  readonly status: (error: unknown) => unknown
}

/** Everything that comes, in order. */
export const collect = async <A>(pieces: AsyncIterable<A>): Promise<ReadonlyArray<A>> => {
  const all: Array<A> = []
  for await (const piece of pieces) all.push(piece)
  return all
}

const messages = [{ role: "user" as const, content: "hi" }]
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] } as const
const weather = { type: "function", function: { name: "weather", description: "of a city", parameters } } as const

const property = (error: unknown, name: string): unknown =>
  typeof error === "object" && error !== null ? Reflect.get(error, name) : undefined

const openai: Client = {
  name: "openai",
  text: async (url) => {
    const answer = await sdk(url).chat.completions.create({ model: "m", messages })
    return answer.choices[0]?.message.content ?? ""
  },
  async *stream(url, signal) {
    const chunks = await sdk(url).chat.completions.create({ model: "m", messages, stream: true }, { signal })
    for await (const chunk of chunks) yield chunk.choices[0]?.delta.content ?? ""
  },
  tool: async (url) => {
    const answer = await sdk(url).chat.completions.create({ model: "m", messages, tools: [weather] })
    return callOf(answer)
  },
  // The strict reader of the SDK: it insists on a finish and on whole tool calls.
  streamedTool: async (url) =>
    callOf(
      await sdk(url)
        .chat.completions.stream({ model: "m", messages, tools: [weather] })
        .finalChatCompletion()
    ),
  status: (error) => property(error, "status")
}

const sdk = (url: string): OpenAI => new OpenAI({ baseURL: `${url}/v1`, apiKey: "k", maxRetries: 0 })

const callOf = (answer: OpenAI.ChatCompletion): ToolCall | undefined => {
  const call = answer.choices[0]?.message.tool_calls?.[0]
  return call?.type === "function"
    ? { name: call.function.name, arguments: JSON.parse(call.function.arguments) }
    : undefined
}

/** Vercel's `ai` with one of its providers. */
const aiSdk = (name: string, model: (url: string) => LanguageModel): Client => {
  const tools: ToolSet = { weather: { inputSchema: jsonSchema(parameters) } }
  const first = (calls: ReadonlyArray<{ readonly toolName: string; readonly input: unknown }>) =>
    calls[0] === undefined ? undefined : { name: calls[0].toolName, arguments: calls[0].input }
  return {
    name,
    text: async (url) => (await generateText({ model: model(url), messages, maxRetries: 0 })).text,
    async *stream(url, abortSignal) {
      const parts = streamText({
        model: model(url),
        messages,
        maxRetries: 0,
        abortSignal,
        onError: () => {}
      }).fullStream
      for await (const part of parts) {
        if (part.type === "error") throw part.error
        if (part.type === "text-delta") yield part.text
      }
    },
    tool: async (url) => first((await generateText({ model: model(url), messages, tools, maxRetries: 0 })).toolCalls),
    streamedTool: async (url) =>
      first(await streamText({ model: model(url), messages, tools, maxRetries: 0 }).toolCalls),
    status: (error) => property(error, "statusCode")
  }
}

const langchain: Client = {
  name: "@langchain/openai",
  text: async (url) => (await chain(url).invoke("hi")).text,
  async *stream(url, signal) {
    for await (const chunk of await chain(url).stream("hi", { signal })) yield chunk.text
  },
  tool: async (url) => {
    const [call] = (await chain(url).bindTools([weather]).invoke("hi")).tool_calls ?? []
    return call === undefined ? undefined : { name: call.name, arguments: call.args }
  },
  streamedTool: async (url) => {
    const chunks = await collect(await chain(url).bindTools([weather]).stream("hi"))
    const whole = chunks.reduce((before, chunk) => before.concat(chunk))
    const [call] = whole.tool_calls ?? []
    return call === undefined ? undefined : { name: call.name, arguments: call.args }
  },
  status: (error) => property(error, "status")
}

const chain = (url: string): ChatOpenAI =>
  new ChatOpenAI({ model: "m", apiKey: "k", maxRetries: 0, configuration: { baseURL: `${url}/v1` } })

export const clients: ReadonlyArray<Client> = [
  openai,
  aiSdk("ai with @ai-sdk/openai", (url) => createOpenAI({ baseURL: `${url}/v1`, apiKey: "k" }).chat("m")),
  aiSdk("ai with @ai-sdk/openai-compatible", (url) =>
    createOpenAICompatible({ name: "orelse", baseURL: `${url}/v1`, apiKey: "k" })("m")
  ),
  langchain
]
