import type { ChatAnswer } from "../domain/ChatAnswer.js"
import * as Json from "./Json.js"

/** The text of an answer in either dialect: OpenAI's first choice, or all text blocks of Anthropic's message. */
export const textOf = ({ view }: ChatAnswer): string => {
  const [choice] = Json.records(view["choices"])
  const content = choice === undefined ? view["content"] : Json.record(choice["message"])["content"]
  if (typeof content === "string") return content
  return Json.records(content)
    .map((part) => Json.text(part["text"]) ?? "")
    .join("")
}
