import { createAnthropic } from "@ai-sdk/anthropic"
import { createOpenAI } from "@ai-sdk/openai"
import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import { createOpenRouter } from "@openrouter/ai-sdk-provider"
import { generateText, jsonSchema, streamText, tool, type LanguageModel, type ModelMessage, type ToolSet } from "ai"
import { signers } from "../rules/signatures.js"
import type { Loop } from "./Loop.js"
import { maxTokens, question, run, system, tools, type Result } from "./task.js"

interface Provider extends Pick<Loop, "name" | "shows" | "keeps"> {
  readonly model: (url: string, model: string) => LanguageModel
  readonly options: Options
}

/** How a provider is asked to think, and how warm it is. */
type Options = Pick<Parameters<typeof generateText>[0], "providerOptions" | "temperature">

interface Said {
  readonly text: string
  /** The model's message and the results of its tools. */
  readonly messages: ReadonlyArray<ModelMessage>
}

type Ask = (request: Request) => Promise<Said>

type Request = Options & {
  readonly model: LanguageModel
  readonly messages: Array<ModelMessage>
  readonly tools: ToolSet
  readonly system: string
  readonly maxOutputTokens: number
  readonly maxRetries: number
}

const loop = ({ keeps, model: modelOf, name, options, shows }: Provider, mode: string, ask: Ask): Loop => ({
  name: `ai with ${name}${mode}`,
  shows,
  keeps,
  begin: async (url, model) => {
    const request = (id: string, messages: Array<ModelMessage>): Request => ({
      ...options,
      model: modelOf(url, id),
      messages,
      tools: toolSet,
      system,
      maxOutputTokens: maxTokens,
      maxRetries: 0
    })
    const asked: ModelMessage = { role: "user", content: question, providerOptions: cached }
    const { messages } = await ask(request(model, [asked]))
    return async (second) => (await ask(request(second, [asked, ...messages]))).text
  }
})

const cacheControl = { type: "ephemeral" }

/** A mark for the cache, which two of the providers send. */
const cached = { anthropic: { cacheControl }, openrouter: { cacheControl } }

const whole: Ask = async (request) => {
  const { response, text } = await generateText(request)
  return { text, messages: response.messages }
}

const streamed: Ask = async (request) => {
  const result = streamText({ ...request, onError: () => {} })
  for await (const part of result.fullStream) if (part.type === "error") throw part.error
  return { text: await result.text, messages: (await result.response).messages }
}

/** Of a tool that throws, the library tells the model. */
const toolSet: ToolSet = Object.fromEntries(
  tools.map(({ description, name, parameters }) => [
    name,
    tool({
      description,
      inputSchema: jsonSchema<object>(parameters),
      execute: async (input): Promise<Result> => {
        const result = run(name, input)
        if (result.failed) throw new Error(result.text)
        return result
      },
      toModelOutput: ({ output: { image, text } }) =>
        image === undefined
          ? { type: "text", value: text }
          : {
              type: "content",
              value: [
                { type: "text", text },
                { type: "image-data", data: image, mediaType: "image/png" }
              ]
            }
    })
  ])
)

const providers: ReadonlyArray<Provider> = [
  {
    name: "@ai-sdk/openai",
    shows: false,
    keeps: [],
    model: (url, model) => createOpenAI({ baseURL: `${url}/v1`, apiKey: "k" }).chat(model),
    options: { temperature: 0.5, providerOptions: { openai: { reasoningEffort: "low" } } }
  },
  {
    name: "@ai-sdk/openai-compatible",
    shows: false,
    keeps: [],
    model: (url, model) => createOpenAICompatible({ name: "orelse", baseURL: `${url}/v1`, apiKey: "k" })(model),
    options: { temperature: 0.5, providerOptions: { orelse: { reasoningEffort: "low" } } }
  },
  {
    name: "@openrouter/ai-sdk-provider",
    shows: true,
    keeps: ["anthropic", "openrouter"],
    model: (url, model) => createOpenRouter({ baseURL: `${url}/v1`, apiKey: "k" }).chat(model),
    options: { temperature: 0.5, providerOptions: { openrouter: { reasoning: { effort: "low" } } } }
  },
  {
    name: "@ai-sdk/anthropic",
    shows: true,
    keeps: signers,
    model: (url, model) => createAnthropic({ baseURL: `${url}/v1`, apiKey: "k" })(model),
    options: { providerOptions: { anthropic: { thinking: { type: "enabled", budgetTokens: 2_048 } } } }
  }
]

/** Vercel's `ai` with each of its providers. */
export const aiSdk: ReadonlyArray<Loop> = providers.flatMap((provider) => [
  loop(provider, "", whole),
  loop(provider, ", streaming", streamed)
])
