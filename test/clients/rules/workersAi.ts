import * as Json from "../../../src/protocol/Json.js"
import { eachMessage } from "./chat.js"
import { all, objects, strangers, unless, words, type Rules } from "./Rules.js"

const roles = words("system user assistant tool")

/**
 * "Type mismatch of '/messages/0/content', 'array' not in 'string'" and the like (5006). Source: the input schemas of the
 * text models below https://developers.cloudflare.com/workers-ai/models/
 */
const messages: Rules = eachMessage((message, where) => {
  const { content, role, tool_call_id: id } = message
  const parts = objects(content)
  return [
    ...unless(roles.has(String(role)), `${where}.role is unknown`),
    ...unless(typeof content === "string" || parts !== undefined, `${where}.content is neither a text nor parts`),
    ...(parts ?? []).flatMap((part) =>
      unless(
        (part["type"] === "text" && typeof part["text"] === "string") || isImage(part["image_url"]),
        `${where}.content has a part ${String(part["type"])}`
      )
    ),
    // Its pattern is not bound to the ends.
    ...unless(id === undefined || /[a-zA-Z0-9]{9}/.test(String(id)), `${where}.tool_call_id does not match`)
  ]
})

/** "HTTP URL will not be accepted." */
const isImage = (image: unknown): boolean => String(Json.record(image)["url"]).startsWith("data:image/")

const request: Rules = (json) => [
  ...strangers(
    json,
    words(
      `messages prompt stream max_tokens temperature top_p top_k seed repetition_penalty presence_penalty
      frequency_penalty tools functions response_format raw lora guided_json`
    ),
    "request"
  ),
  ...unless(Json.records(json["tools"]).every(isDeclared), "a tool has no name or no parameters")
]

const isDeclared = (tool: unknown): boolean => {
  const { name, parameters } = Json.record(Json.record(tool)["function"])
  return typeof name === "string" && Json.isRecord(parameters)
}

/** The rules of Workers AI's own route. */
export const workersAi: Rules = all(messages, request)
