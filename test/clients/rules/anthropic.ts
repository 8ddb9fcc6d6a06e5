import type { JsonObject } from "../../../src/protocol/Dialects.js"
import * as Json from "../../../src/protocol/Json.js"
import { blocks, wellFormed } from "./anthropicBlocks.js"
import { all, objects, strangers, unless, words, type Rules } from "./Rules.js"

/** Sources below https://platform.claude.com/docs/en: api/messages/create, build-with-claude/..., agents-and-tools/... */

/** "Extra inputs are not permitted", and `max_tokens` is required. */
const members: Rules = (request) => [
  ...strangers(
    request,
    words(
      `model messages system max_tokens metadata stop_sequences stream temperature top_k top_p tools tool_choice thinking
      output_config service_tier container context_management`
    ),
    "request"
  ),
  ...unless(Number.isInteger(request["max_tokens"]), "max_tokens is missing"),
  ...Json.records(request["tools"]).flatMap((tool, at) => [
    ...strangers(
      tool,
      words("type name description input_schema strict cache_control eager_input_streaming"),
      `tools[${at}]`
    ),
    ...unless(Json.record(tool["input_schema"])["type"] === "object", `tools[${at}].input_schema is no object's`)
  ])
]

/** User and assistant take turns, and the user begins (api/messages/create). Nobody says nothing. */
const turns: Rules = ({ messages }) => {
  const list = objects(messages) ?? []
  return [
    ...unless(list[0]?.["role"] === "user", "the first message is not the user's"),
    ...list.flatMap(({ content, role }, at) => [
      ...unless(role === "user" || role === "assistant", `messages[${at}].role is unknown`),
      ...unless(role !== list[at - 1]?.["role"], `messages[${at}] has the role of the message before`),
      ...unless(content !== "" && Json.list(content).length + String(content).length > 0, `messages[${at}] is empty`)
    ])
  ]
}

/**
 * "`tool_use` ids were found without `tool_result` blocks immediately after", "unexpected `tool_use_id` found in
 * `tool_result` blocks", and results stand before everything else (agents-and-tools/tool-use/implement-tool-use).
 */
const callsAnswered: Rules = ({ messages }) => {
  const list = Json.records(messages)
  return list.flatMap((message, at) => {
    const calls = ofType(message, "tool_use").map(({ id }) => id)
    const asked = new Set(ofType(list[at - 1] ?? {}, "tool_use").map(({ id }) => id))
    const answered = new Set(ofType(list[at + 1] ?? {}, "tool_result").map((block) => block["tool_use_id"]))
    const types = blocks(message).map(({ type }) => type)
    const lastResult = types.lastIndexOf("tool_result")
    return [
      ...unless(
        calls.every((id) => answered.has(id)),
        `messages[${at}]: a tool_use has no tool_result right behind it`
      ),
      ...unless(new Set(calls).size === calls.length, `messages[${at}]: two tool_use have one id`),
      ...unless(
        ofType(message, "tool_result").every((block) => asked.has(block["tool_use_id"])),
        `messages[${at}]: a tool_result answers no tool_use`
      ),
      ...unless(
        types.slice(0, lastResult + 1).every((type) => type === "tool_result"),
        `messages[${at}]: something stands before a tool_result`
      )
    ]
  })
}

/**
 * build-with-claude/extended-thinking: a budget is at least 1,024 and below `max_tokens`; no temperature but 1, no `top_k`,
 * no forced tool goes with it; and a turn that goes on behind tools "must start with a thinking block".
 */
const budget: Rules = (request) => {
  const thinking = Json.record(request["thinking"])
  if (thinking["type"] !== "enabled") return []
  const tokens = Json.number(thinking["budget_tokens"]) ?? 0
  const messages = Json.records(request["messages"])
  const question = messages.findLastIndex(
    (message) => message["role"] === "user" && ofType(message, "tool_result").length === 0
  )
  const turn = messages.slice(question + 1).find(({ role }) => role === "assistant")
  const begins = turn === undefined ? "thinking" : String(blocks(turn)[0]?.["type"])
  return [
    ...unless(tokens >= 1024 && tokens < (Json.number(request["max_tokens"]) ?? 0), "the budget does not fit"),
    ...unless((request["temperature"] ?? 1) === 1 && !("top_k" in request), "thinking does not go with sampling"),
    ...unless(
      !["any", "tool"].includes(String(Json.record(request["tool_choice"])["type"])),
      "thinking does not go with a forced tool"
    ),
    ...unless(begins.endsWith("thinking"), `the turn begins with ${begins}, and not with a thought`)
  ]
}

/** "A maximum of 4 blocks with cache_control may be provided" (build-with-claude/prompt-caching). */
const marks: Rules = (request) => {
  const count = JSON.stringify(request).split('"cache_control":{').length - 1
  return unless(count <= 4, `${count} blocks have cache_control`)
}

/** Only a tool that is there can be chosen (agents-and-tools/tool-use/implement-tool-use). */
const toolChosen: Rules = ({ tool_choice, tools }) => {
  const { name, type } = Json.record(tool_choice)
  const names = Json.records(tools).map((tool) => tool["name"])
  return unless(type !== "tool" || names.includes(name), "tool_choice names no tool")
}

/** The rules of Anthropic for a model that thinks within a budget. */
export const anthropic: Rules = all(members, turns, wellFormed, callsAnswered, budget, marks, toolChosen)

const ofType = (message: JsonObject, wanted: string): ReadonlyArray<JsonObject> =>
  blocks(message).filter(({ type }) => type === wanted)
