import type { JsonObject } from "../../../src/protocol/Dialects.js"
import * as Json from "../../../src/protocol/Json.js"
import { objects, strangers, unless, words, type Rules } from "./Rules.js"

/** Rules that vendors of OpenAI's dialect share. */

/** Every message's own complaints. */
export const eachMessage =
  (complaints: (message: JsonObject, where: string) => ReadonlyArray<string>): Rules =>
  ({ messages }) => {
    const list = objects(messages)
    if (list === undefined || list.length === 0) return ["messages must be a list of messages"]
    return list.flatMap((message, at) => complaints(message, `messages[${at}]`))
  }

/** Members of a request and of messages by role that a vendor knows; parts and calls have theirs everywhere. */
export interface Known {
  readonly request: ReadonlySet<string>
  readonly messages: Readonly<Record<string, ReadonlySet<string>>>
}

/** Whatever else is there is refused. */
export const closed = ({ messages, request }: Known): ReadonlyArray<Rules> => [
  (json) => strangers(json, request, "request"),
  eachMessage((message, where) => {
    const known = messages[String(message["role"])]
    return known === undefined ? [`${where}.role is unknown`] : strangers(message, known, where)
  }),
  eachMessage(({ content }, where) =>
    Json.records(content).flatMap((part, at) =>
      strangers(part, words(`type ${part["type"]}`), `${where}.content[${at}]`)
    )
  ),
  eachMessage((message, where) =>
    Json.records(message["tool_calls"]).flatMap((call, at) => [
      ...strangers(call, words("id type function"), `${where}.tool_calls[${at}]`),
      ...strangers(Json.record(call["function"]), words("name arguments"), `${where}.tool_calls[${at}].function`)
    ])
  )
]

/**
 * "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'", and
 * "messages with role 'tool' must be a response to a preceding message with 'tool_calls'": OpenAI's words, and its rule
 * holds for everybody who copied the dialect.
 */
export const callsAnswered: Rules = (request) => {
  const messages = Json.records(request["messages"])
  return messages.flatMap((message, at) => {
    const where = `messages[${at}]`
    const ids = Json.records(message["tool_calls"]).map(({ id }) => id)
    const behind = messages.slice(at + 1)
    const end = behind.findIndex(({ role }) => role !== "tool")
    const answered = new Set(behind.slice(0, end < 0 ? undefined : end).map(({ tool_call_id }) => tool_call_id))
    const asked = messages.slice(0, at).findLast(({ role }) => role !== "tool")
    const calls = new Set(Json.records(Json.record(asked)["tool_calls"]).map(({ id }) => id))
    return [
      ...unless(
        ids.every((id) => answered.has(id)),
        `${where}: a call has no result right behind it`
      ),
      ...unless(new Set(ids).size === ids.length, `${where}: two calls have one id`),
      ...unless(message["role"] !== "tool" || calls.has(message["tool_call_id"]), `${where} is the result of no call`)
    ]
  })
}

/** A call is a function with a name and JSON text for arguments. */
export const callsFormed: Rules = eachMessage((message, where) =>
  Json.records(message["tool_calls"]).flatMap((call, at) => {
    const { arguments: args, name } = Json.record(call["function"])
    const fine = call["type"] === "function" && Json.text(name) && Json.isRecord(Json.parsed(Json.text(args) ?? ""))
    return unless(Boolean(fine), `${where}.tool_calls[${at}] is no call of a function`)
  })
)

/** Ids of calls in the form that a vendor insists on. */
export const idsLike = (form: RegExp): Rules =>
  eachMessage((message, where) =>
    [
      ...Json.records(message["tool_calls"]).map(({ id }) => id),
      ...("tool_call_id" in message ? [message["tool_call_id"]] : [])
    ]
      .filter((id) => typeof id !== "string" || !form.test(id))
      .map((id) => `${where}: the id ${String(id)} is not like ${form.source}`)
  )

/** Which parts the content of a message may have, by its role; a text is fine everywhere. */
export const contents = (parts: Readonly<Record<string, ReadonlySet<string>>>): Rules =>
  eachMessage((message, where) => {
    const { content, role } = message
    const silent = role === "assistant" && Json.records(message["tool_calls"]).length > 0
    if (content === null || content === undefined) return unless(silent, `${where}.content is missing`)
    if (typeof content === "string") return []
    const known = parts[String(role)] ?? new Set()
    const list = objects(content)
    if (list === undefined) return [`${where}.content is neither a text nor parts`]
    return list
      .filter(({ type }) => !known.has(String(type)))
      .map(({ type }) => `${where}.content has a part ${String(type)}`)
  })

/** The choice of a tool is one of the words, or a tool that is there. */
export const toolChosen: Rules = ({ tool_choice: choice, tools }) => {
  if (choice === undefined) return []
  const names = Json.records(tools).map((tool) => Json.record(tool["function"])["name"])
  const fine = Json.isRecord(choice)
    ? names.includes(Json.record(choice["function"])["name"])
    : ["auto", "none", "required"].includes(String(choice)) && names.length > 0
  return unless(fine, "tool_choice names no tool")
}
