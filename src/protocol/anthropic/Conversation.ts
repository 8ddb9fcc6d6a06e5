import type { Message } from "../../domain/Prompt.js"
import type { JsonObject } from "../Dialects.js"
import type { Lost } from "../Lossiness.js"
import type { BlockWriter } from "./Blocks.js"

/** One message as Anthropic takes it. */
export interface Turn {
  readonly role: "user" | "assistant"
  readonly content: ReadonlyArray<JsonObject>
}

/** Who says what. */
export interface Conversation {
  readonly system: ReadonlyArray<JsonObject>
  readonly messages: ReadonlyArray<Turn>
}

/**
 * User and assistant speak by turns, so messages of one role in a row become one, with the results of tools first.
 *
 * - System messages before all others are the system prompt. A later one stays where it is, as the user's: only the newest
 *   models take it as what it is. A system prompt alone is what the user says, because there must be a message.
 * - A message of which nothing is left is left out; Anthropic refuses empty ones.
 * - Nothing is put before an assistant that speaks first. Anthropic may refuse that, but words that nobody said would be
 *   worse.
 */
export const write = (messages: ReadonlyArray<Message>, writer: BlockWriter, lost: Set<Lost>): Conversation => {
  const firstOther = messages.findIndex(({ role }) => role !== "system")
  const begin = firstOther < 0 ? messages.length : firstOther
  const system = messages.slice(0, begin).flatMap(({ parts }) => writer.write(parts, "system"))
  const turns: Array<{ readonly role: Turn["role"]; readonly content: Array<JsonObject> }> = []
  for (const { parts, role } of messages.slice(begin)) {
    if (role === "system") lost.add("system_position")
    const content = writer.write(parts, role)
    if (content.length === 0) continue
    const speaker = role === "assistant" ? "assistant" : "user"
    const last = turns.at(-1)
    if (last?.role === speaker) for (const block of content) last.content.push(block)
    else turns.push({ role: speaker, content: [...content] })
  }
  if (turns.length === 0 && system.length > 0) return { system: [], messages: [{ role: "user", content: system }] }
  return {
    system,
    messages: turns.map(({ content, role }) => ({
      role,
      content: role === "user" ? [...content.filter(isResult), ...content.filter((block) => !isResult(block))] : content
    }))
  }
}

/**
 * Would thinking within a budget be refused? A turn that goes on behind a tool's result must have begun with a thought, and
 * one that another endpoint began cannot. Adaptive thinking does not ask for that. Source:
 * https://platform.claude.com/docs/en/build-with-claude/extended-thinking
 */
export const goesOnWithoutThought = (messages: ReadonlyArray<Turn>): boolean => {
  if (!(messages.at(-1)?.content.some(isResult) ?? false)) return false
  const question = messages.findLastIndex(({ content, role }) => role === "user" && !content.some(isResult))
  const [begin] = messages[question + 1]?.content ?? []
  return begin?.["type"] !== "thinking" && begin?.["type"] !== "redacted_thinking"
}

const isResult = (block: JsonObject): boolean => block["type"] === "tool_result"
