import Anthropic from "@anthropic-ai/sdk"
import { signers } from "../rules/signatures.js"
import type { Loop } from "./Loop.js"
import { maxTokens, question, run, system, tools } from "./task.js"

type Request = Omit<Anthropic.MessageCreateParamsNonStreaming, "stream">

type Ask = (sdk: Anthropic, request: Request) => Promise<Anthropic.Message>

const cache_control = { type: "ephemeral" as const }

const loop = (name: string, ask: Ask): Loop => ({
  name,
  shows: true,
  keeps: signers,
  begin: async (url, model) => {
    const sdk = new Anthropic({ baseURL: url, apiKey: "k", maxRetries: 0 })
    const asked = { role: "user" as const, content: [{ type: "text" as const, text: question, cache_control }] }
    const { content } = await ask(sdk, { ...request, model, messages: [asked] })
    const results = content.flatMap((block) => (block.type === "tool_use" ? [resultOf(block)] : []))
    const marked = results.map((result, at) => (at === results.length - 1 ? { ...result, cache_control } : result))
    return async (second) => {
      const messages = [asked, { role: "assistant" as const, content }, { role: "user" as const, content: marked }]
      const message = await ask(sdk, { ...request, model: second, messages })
      return message.content.map((block) => (block.type === "text" ? block.text : "")).join("")
    }
  }
})

/** The SDK of Anthropic. It marks four places for the cache, which is as many as there may be. */
export const anthropic: ReadonlyArray<Loop> = [
  loop("@anthropic-ai/sdk", (sdk, asked) => sdk.messages.create(asked)),
  loop("@anthropic-ai/sdk, streaming", (sdk, asked) => sdk.messages.stream(asked).finalMessage())
]

const request = {
  system: [{ type: "text" as const, text: system, cache_control }],
  tools: tools.map(({ description, name, parameters }, at) => ({
    name,
    description,
    input_schema: parameters,
    ...(at === tools.length - 1 ? { cache_control } : {})
  })),
  tool_choice: { type: "auto" as const },
  max_tokens: maxTokens,
  thinking: { type: "enabled" as const, budget_tokens: 2_048 }
}

const resultOf = ({ id, input, name }: Anthropic.ToolUseBlock): Anthropic.ToolResultBlockParam => {
  const { failed, image, text } = run(name, input)
  const picture: ReadonlyArray<Anthropic.ImageBlockParam> =
    image === undefined ? [] : [{ type: "image", source: { type: "base64", media_type: "image/png", data: image } }]
  return {
    type: "tool_result",
    tool_use_id: id,
    content: [{ type: "text", text }, ...picture],
    ...(failed ? { is_error: true } : {})
  }
}
