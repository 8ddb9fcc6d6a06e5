import OpenAI from "openai"
import { signers } from "../rules/signatures.js"
import type { Loop } from "./Loop.js"
import { maxTokens, question, run, system, tools } from "./task.js"

type Request = Omit<OpenAI.ChatCompletionCreateParamsNonStreaming, "stream">

type Ask = (sdk: OpenAI, request: Request) => Promise<OpenAI.ChatCompletion>

const loop = (name: string, keeps: Loop["keeps"], ask: Ask): Loop => ({
  name,
  shows: false,
  keeps,
  begin: async (url, model) => {
    const sdk = new OpenAI({ baseURL: `${url}/v1`, apiKey: "k", maxRetries: 0 })
    const messages: ReadonlyArray<OpenAI.ChatCompletionMessageParam> = [
      { role: "system", content: system },
      { role: "user", content: question }
    ]
    const message = messageOf(await ask(sdk, { ...request, model, messages: [...messages] }))
    const results = (message.tool_calls ?? []).map(resultOf)
    return async (second) => {
      const all = [...messages, message, ...results]
      return messageOf(await ask(sdk, { ...request, model: second, messages: all })).content ?? ""
    }
  }
})

/** The SDK of OpenAI. Of a list that it does not know it keeps the last piece that is streamed. */
export const openai: ReadonlyArray<Loop> = [
  loop("openai", signers, (sdk, asked) => sdk.chat.completions.create(asked)),
  loop("openai, streaming", ["gemini"], (sdk, asked) => sdk.chat.completions.stream(asked).finalChatCompletion())
]

const request = {
  tools: tools.map(({ description, name, parameters }) => ({
    type: "function" as const,
    function: { name, description, parameters: { ...parameters } }
  })),
  tool_choice: "auto" as const,
  max_tokens: maxTokens,
  temperature: 0.5,
  reasoning_effort: "low" as const
}

const messageOf = ({ choices }: OpenAI.ChatCompletion): OpenAI.ChatCompletionMessage => {
  const [choice] = choices
  if (choice === undefined) throw new Error("an answer without a choice")
  return choice.message
}

/** A tool's message is a text. */
const resultOf = (call: OpenAI.ChatCompletionMessageToolCall): OpenAI.ChatCompletionToolMessageParam => {
  if (call.type !== "function") throw new Error(`a call of type ${call.type}`)
  const { failed, text } = run(call.function.name, JSON.parse(call.function.arguments))
  return { role: "tool", tool_call_id: call.id, content: failed ? `Error: ${text}` : text }
}
