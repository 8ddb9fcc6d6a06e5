import { HumanMessage, SystemMessage, ToolMessage, type AIMessage } from "@langchain/core/messages"
import { ChatOpenAI } from "@langchain/openai"
import { collect } from "../Client.js"
import type { Loop } from "./Loop.js"
import { maxTokens, question, run, system, tools } from "./task.js"

type Model = ReturnType<typeof chain>
type Ask = (model: Model, messages: Parameters<Model["invoke"]>[0]) => Promise<AIMessage>

const loop = (name: string, ask: Ask): Loop => ({
  name,
  shows: false,
  keeps: [],
  begin: async (url, model) => {
    const messages = [new SystemMessage(system), new HumanMessage(question)]
    const message = await ask(chain(url, model), messages)
    const results = (message.tool_calls ?? []).map(({ args, id, name: called }) => {
      const { failed, text } = run(called, args)
      return new ToolMessage({ content: text, tool_call_id: id ?? "", status: failed ? "error" : "success" })
    })
    return async (second) => (await ask(chain(url, second), [...messages, message, ...results])).text
  }
})

/** LangChain's model on OpenAI's dialect. */
export const langchain: ReadonlyArray<Loop> = [
  loop("@langchain/openai", (model, messages) => model.invoke(messages)),
  loop("@langchain/openai, streaming", async (model, messages) => {
    const chunks = await collect(await model.stream(messages))
    return chunks.reduce((before, chunk) => before.concat(chunk))
  })
]

const chain = (url: string, model: string) =>
  new ChatOpenAI({
    model,
    apiKey: "k",
    maxRetries: 0,
    maxTokens,
    temperature: 0.5,
    modelKwargs: { reasoning_effort: "low" },
    configuration: { baseURL: `${url}/v1` }
  }).bindTools(
    tools.map(({ description, name, parameters }) => ({
      type: "function" as const,
      function: { name, description, parameters: { ...parameters } }
    }))
  )
