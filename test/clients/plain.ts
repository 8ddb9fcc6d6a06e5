import Anthropic from "@anthropic-ai/sdk"
import { createOpenAI } from "@ai-sdk/openai"
import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import { OpenAIEmbeddings } from "@langchain/openai"
import { embed, generateText, streamText, type EmbeddingModel, type LanguageModel } from "ai"
import OpenAI from "openai"
import { messages, property, vectorText, type Asking, type Heard, type Reader } from "./Client.js"

/** The clients of the routes that only pass through. Vectors are asked for as numbers, which every provider can. */
export const plain = (): ReadonlyArray<Reader> => [
  {
    name: "openai",
    front: "openai-completions",
    whole: async (asking) => completed(await openai(asking).completions.create(prompt(asking))),
    streamed: async (asking) => {
      let text = ""
      let finish: string | undefined
      for await (const { choices } of await openai(asking).completions.create({ ...prompt(asking), stream: true })) {
        text += choices[0]?.text ?? ""
        finish = choices[0]?.finish_reason ?? finish
      }
      return { text, calls: [], finish }
    },
    status
  },
  aiCompletion("ai with @ai-sdk/openai", (asking) => aiOpenai(asking).completion(asking.model)),
  aiCompletion("ai with @ai-sdk/openai-compatible", (asking) => aiCompatible(asking).completionModel(asking.model)),
  {
    name: "openai",
    front: "openai-embeddings",
    whole: async (asking) => {
      const { data } = await openai(asking).embeddings.create({
        model: asking.model,
        input: "hi",
        // Named, the SDK hands on what comes; unnamed, it asks for base64 and decodes it.
        ...(asking.base64 === true ? {} : { encoding_format: "float" })
      })
      return vectors(data.map(({ embedding }) => embedding))
    },
    status
  },
  {
    name: "@langchain/openai",
    front: "openai-embeddings",
    whole: async ({ base64, model, url }) => {
      const encodingFormat = base64 === true ? "base64" : "float"
      const configuration = { baseURL: `${url}/v1` }
      const embeddings = new OpenAIEmbeddings({ model, apiKey: "k", maxRetries: 0, configuration, encodingFormat })
      return vectors([await embeddings.embedQuery("hi")])
    },
    status
  },
  aiEmbedding("ai with @ai-sdk/openai", (asking) => aiOpenai(asking).embedding(asking.model)),
  aiEmbedding("ai with @ai-sdk/openai-compatible", (asking) => aiCompatible(asking).embeddingModel(asking.model)),
  {
    name: "@anthropic-ai/sdk",
    front: "anthropic-count-tokens",
    whole: async ({ model, url }) => {
      const sdk = new Anthropic({ baseURL: url, apiKey: "k", maxRetries: 0 })
      const { input_tokens } = await sdk.messages.countTokens({ model, messages })
      return { text: String(input_tokens), calls: [], finish: undefined }
    },
    status
  }
]

const status = (error: unknown): unknown => property(error, "status")

const aiStatus = (error: unknown): unknown => property(error, "statusCode")

const openai = ({ url }: Asking): OpenAI => new OpenAI({ baseURL: `${url}/v1`, apiKey: "k", maxRetries: 0 })

const prompt = ({ model }: Asking) => ({ model, prompt: "hi" })

const completed = ({ choices: [choice] }: OpenAI.Completion): Heard => {
  if (choice === undefined) throw new Error("an answer without a choice")
  return { text: choice.text, calls: [], finish: choice.finish_reason }
}

const vectors = (all: ReadonlyArray<ReadonlyArray<number> | string>): Heard => ({
  text: vectorText(all),
  calls: [],
  finish: undefined
})

const aiOpenai = ({ url }: Asking) => createOpenAI({ baseURL: `${url}/v1`, apiKey: "k" })

const aiCompatible = ({ url }: Asking) => createOpenAICompatible({ name: "orelse", baseURL: `${url}/v1`, apiKey: "k" })

const aiCompletion = (name: string, model: (asking: Asking) => LanguageModel): Reader => ({
  name,
  front: "openai-completions",
  whole: async (asking) => {
    const { finishReason, text } = await generateText({ model: model(asking), prompt: "hi", maxRetries: 0 })
    return { text, calls: [], finish: finishReason }
  },
  streamed: async (asking) => {
    let text = ""
    let finish: string | undefined
    const { fullStream } = streamText({ model: model(asking), prompt: "hi", maxRetries: 0, onError: () => {} })
    for await (const part of fullStream) {
      if (part.type === "error") throw part.error
      if (part.type === "text-delta") text += part.text
      if (part.type === "finish") finish = part.finishReason
    }
    return { text, calls: [], finish }
  },
  status: aiStatus
})

const aiEmbedding = (name: string, model: (asking: Asking) => EmbeddingModel): Reader => ({
  name,
  front: "openai-embeddings",
  whole: async (asking) => {
    const { embedding } = await embed({ model: model(asking), value: "hi", maxRetries: 0 })
    return vectors([embedding])
  },
  status: aiStatus
})
