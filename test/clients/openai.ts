import OpenAI from "openai"
import { messages, parameters, property, type Asking, type Client, type Heard } from "./Client.js"

/** The SDK of OpenAI. */
export const openai: Client = {
  name: "openai",
  front: "openai-chat",
  whole: async (asking) => heard(await sdk(asking.url).chat.completions.create(question(asking))),
  // It insists on a finish and on whole tool calls, as the SDK's plain iterator does not.
  streamed: async (asking) =>
    heard(await sdk(asking.url).chat.completions.stream(question(asking)).finalChatCompletion()),
  async *pieces(url, signal) {
    const chunks = await sdk(url).chat.completions.create({ model: "m", messages, stream: true }, { signal })
    for await (const chunk of chunks) yield chunk.choices[0]?.delta.content ?? ""
  },
  status: (error) => property(error, "status")
}

/** The tools in OpenAI's form. */
export const functions = (names: ReadonlyArray<string>) =>
  names.map((name) => ({ type: "function" as const, function: { name, parameters } }))

const sdk = (url: string): OpenAI => new OpenAI({ baseURL: `${url}/v1`, apiKey: "k", maxRetries: 0 })

const question = ({ model, tools }: Asking) => ({
  model,
  messages,
  ...(tools.length === 0 ? {} : { tools: functions(tools) })
})

const heard = ({ choices }: OpenAI.ChatCompletion): Heard => {
  const [choice] = choices
  if (choice === undefined) throw new Error("an answer without a choice")
  const calls = (choice.message.tool_calls ?? []).flatMap((call) =>
    call.type === "function" ? [{ name: call.function.name, arguments: JSON.parse(call.function.arguments) }] : []
  )
  return { text: choice.message.content ?? "", calls, finish: choice.finish_reason }
}
