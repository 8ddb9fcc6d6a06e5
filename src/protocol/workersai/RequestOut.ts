import type { AnswerFormat, Prompt } from "../../domain/Prompt.js"
import type { Encoded, JsonObject, Outbound } from "../Dialects.js"
import * as Json from "../Json.js"
import * as ToolIds from "../ToolIds.js"
import * as Turns from "../Turns.js"

/**
 * A request for `/ai/run/<model>`; the model is in the path. Only members that the schemas of all text models have are
 * sent. `stop`, `tool_choice` and `reasoning_effort` are in those of some newer models only, and no name tells which.
 */
export const encode = (prompt: Prompt, outbound: Outbound): Encoded => {
  const lost = Turns.unsayable(prompt)
  if (prompt.stop.length > 0) lost.add("stop")
  if (prompt.thinking?.enabled === true) lost.add("thinking")
  const tools = Turns.functions(prompt, lost)
  const json = Json.defined({
    messages: Turns.of(prompt.messages, undefined, lost).map(messageOf),
    stream: outbound.stream ? true : undefined,
    max_tokens: outbound.maxTokens ?? prompt.maxTokens,
    temperature: outbound.temperature ?? prompt.temperature,
    top_p: prompt.topP,
    top_k: prompt.topK,
    seed: prompt.seed,
    presence_penalty: prompt.presencePenalty,
    frequency_penalty: prompt.frequencyPenalty,
    tools: tools.length === 0 ? undefined : tools,
    response_format: formatOf(prompt.format)
  })
  return { json, lost }
}

const messageOf = ({ calls, images, result, role, text }: Turns.Turn): JsonObject =>
  Json.defined({
    role,
    content: images.length === 0 ? text : contentOf(text, images), // never null, which is refused
    tool_calls: calls.length === 0 ? undefined : calls.map(callOf),
    tool_call_id: result === undefined ? undefined : idOf(result.id),
    name: result?.name
  })

/** Models that see take a `data:` URL ("HTTP URL will not be accepted"); the older ones refuse any array. */
const contentOf = (text: string, images: ReadonlyArray<Turns.Base64>): ReadonlyArray<JsonObject> => [
  ...(text === "" ? [] : [{ type: "text", text }]),
  ...images.map(({ data, mediaType }) => ({
    type: "image_url",
    image_url: { url: `data:${mediaType};base64,${data}` }
  }))
]

const callOf = ({ arguments: text, id, name }: Turns.PartOf<"ToolCall">): JsonObject => ({
  id: idOf(id),
  type: "function",
  function: { name, arguments: text === "" ? "{}" : text }
})

const idOf = (id: string): string => ToolIds.fit(id, "workers-ai")

/** The schema stands alone, without OpenAI's envelope, whose name and description JSON schema can say itself. */
const formatOf = (format: AnswerFormat | undefined): JsonObject | undefined => {
  if (format === undefined) return undefined
  if (format._tag === "Json") return { type: "json_object" }
  const { description, name, schema } = format
  return { type: "json_schema", json_schema: { ...Json.defined({ title: name, description }), ...schema } }
}
