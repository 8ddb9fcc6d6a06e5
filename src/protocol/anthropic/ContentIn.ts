import type { ChatEvent } from "../../domain/ChatEvent.js"
import type { IncomingContext, JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"
import * as JsonText from "../JsonText.js"

type CallEvent = ChatEvent & { readonly _tag: "ToolCall" }

/**
 * Reads the content blocks of one message, and counts its tool calls. What Anthropic's own tools did, and other blocks that
 * only mean something to Anthropic, give no event.
 */
export class ContentReader {
  private calls = 0

  constructor(private readonly incoming: IncomingContext) {}

  /** What a whole block says. */
  events(block: JsonObject): ReadonlyArray<ChatEvent> {
    switch (block["type"]) {
      case "text":
        return this.text(block["text"])
      case "thinking":
        return [...this.thought(block["thinking"]), ...this.signature(block["signature"])]
      case "redacted_thinking":
        return this.sealed(block["data"])
      case "tool_use": {
        const call = this.call(block)
        return call === undefined ? [] : [{ ...call, arguments: this.input(block) }]
      }
      default:
        return []
    }
  }

  text(text: unknown): ReadonlyArray<ChatEvent> {
    return typeof text === "string" && text !== "" ? [{ _tag: "Text", index: 0, text }] : []
  }

  thought(text: unknown): ReadonlyArray<ChatEvent> {
    return typeof text === "string" && text !== "" ? [{ _tag: "Reasoning", index: 0, text }] : []
  }

  signature(value: unknown): ReadonlyArray<ChatEvent> {
    if (typeof value !== "string" || value === "") return []
    return [{ _tag: "Signature", index: 0, seal: { origin: this.incoming.realm, value } }]
  }

  /** The beginning of the next call, without its input; `undefined` for one of no tool. */
  call(block: JsonObject): CallEvent | undefined {
    const name = Json.text(block["name"])
    if (!name) return undefined
    const id = Json.text(block["id"]) || this.incoming.fresh("toolu_")
    return { _tag: "ToolCall", index: 0, call: this.calls++, id, name, arguments: "" }
  }

  /** The input of a call as JSON text; a tool may take none. */
  input(block: JsonObject): string {
    return JsonText.of(block["input"] ?? {})
  }

  private sealed(value: unknown): ReadonlyArray<ChatEvent> {
    if (typeof value !== "string" || value === "") return []
    return [{ _tag: "Sealed", index: 0, seal: { origin: this.incoming.realm, value } }]
  }
}
