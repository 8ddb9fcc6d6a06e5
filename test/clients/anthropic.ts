import Anthropic from "@anthropic-ai/sdk"
import { messages, parameters, property, type Asking, type Client, type Heard } from "./Client.js"

/** The SDK of Anthropic. */
export const anthropic: Client = {
  name: "@anthropic-ai/sdk",
  front: "anthropic-messages",
  whole: async (asking) => heard(await sdk(asking.url).messages.create(question(asking))),
  streamed: async (asking) => heard(await sdk(asking.url).messages.stream(question(asking)).finalMessage()),
  async *pieces(url, signal) {
    const asked = { model: "m", max_tokens: maxTokens, messages, stream: true as const }
    for await (const event of await sdk(url).messages.create(asked, { signal }))
      if (event.type === "content_block_delta" && event.delta.type === "text_delta") yield event.delta.text
  },
  status: (error) => property(error, "status")
}

const maxTokens = 256

const sdk = (url: string): Anthropic => new Anthropic({ baseURL: url, apiKey: "k", maxRetries: 0 })

const question = ({ model, tools }: Asking) => ({
  model,
  max_tokens: maxTokens,
  messages,
  ...(tools.length === 0 ? {} : { tools: tools.map((name) => ({ name, input_schema: parameters })) })
})

const heard = ({ content, stop_reason }: Anthropic.Message): Heard => ({
  text: content.map((block) => (block.type === "text" ? block.text : "")).join(""),
  calls: content.flatMap((block) => (block.type === "tool_use" ? [{ name: block.name, arguments: block.input }] : [])),
  finish: stop_reason ?? undefined
})
