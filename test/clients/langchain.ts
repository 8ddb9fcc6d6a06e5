import type { AIMessage } from "@langchain/core/messages"
import { ChatOpenAI } from "@langchain/openai"
import { collect, property, type Asking, type Client, type Heard } from "./Client.js"
import { functions } from "./openai.js"

/** LangChain's model on OpenAI's dialect. */
export const langchain: Client = {
  name: "@langchain/openai",
  front: "openai-chat",
  whole: async (asking) => heard(await chain(asking).invoke("hi")),
  streamed: async (asking) => {
    const chunks = await collect(await chain(asking).stream("hi"))
    return heard(chunks.reduce((before, chunk) => before.concat(chunk)))
  },
  async *pieces(url, signal) {
    for await (const chunk of await chain({ url, model: "m", tools: [] }).stream("hi", { signal })) yield chunk.text
  },
  // It wraps what it recognises, as a prompt that is too long.
  status: (error) => property(error, "status") ?? property(property(error, "cause"), "status")
}

const chain = ({ model, tools, url }: Asking) =>
  new ChatOpenAI({ model, apiKey: "k", maxRetries: 0, configuration: { baseURL: `${url}/v1` } }).bindTools(
    functions(tools)
  )

const heard = ({ invalid_tool_calls, response_metadata, text, tool_calls }: AIMessage): Heard => {
  if (invalid_tool_calls !== undefined && invalid_tool_calls.length > 0)
    throw new Error(`invalid tool calls: ${JSON.stringify(invalid_tool_calls)}`)
  const calls = (tool_calls ?? []).map(({ args, name }) => ({ name, arguments: args }))
  const finish: unknown = response_metadata.finish_reason
  return { text, calls, finish: typeof finish === "string" ? finish : undefined }
}
