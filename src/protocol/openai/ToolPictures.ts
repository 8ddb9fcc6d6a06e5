import type { JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"

/** Pictures that callers put into the messages of tools, as OpenRouter and others take them. OpenAI takes text there. */

/** Is there anything but text in what a tool gave? */
export const someIn = (messages: unknown): boolean => Array.isArray(messages) && messages.some(shows)

/** The messages with text only in those of tools; what else they held, the user shows behind the last of them. */
export const shownByUser = (messages: ReadonlyArray<unknown>): ReadonlyArray<unknown> => {
  const out: Array<unknown> = []
  let shown: Array<unknown> = []
  const show = (): void => {
    if (shown.length > 0) out.push({ role: "user", content: shown })
    shown = []
  }
  for (const message of messages) {
    if (!isTool(message)) show()
    if (!shows(message)) out.push(message)
    else {
      const parts = Json.list(message["content"])
      const texts = parts.filter(isText)
      shown.push(...parts.filter((part) => !isText(part)))
      out.push({ ...message, content: texts.length === 0 ? "" : texts })
    }
  }
  show()
  return out
}

const isTool = (message: unknown): message is JsonObject => Json.isRecord(message) && message["role"] === "tool"

const shows = (message: unknown): message is JsonObject =>
  isTool(message) && Array.isArray(message["content"]) && !message["content"].every(isText)

const isText = (part: unknown): boolean => Json.record(part)["type"] === "text"
