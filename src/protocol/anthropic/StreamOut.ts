import type { ChatEvent } from "../../domain/ChatEvent.js"
import type { FinishReason } from "../../domain/FinishReason.js"
import type { Seal } from "../../domain/Prompt.js"
import type { AnswerContext, JsonObject, Reading, StreamWriter } from "../Dialects.js"
import * as Json from "../Json.js"
import * as Seals from "../Seals.js"
import * as Sse from "../Sse.js"
import * as ToolIds from "../ToolIds.js"
import { stopReason, unsigned } from "./AnswerOut.js"
import { native } from "./PromptIn.js"
import * as Usage from "./Usage.js"

/** Writes an answer of another dialect as Anthropic's events; of several choices the first. */
export const writer = (answering: AnswerContext): StreamWriter => {
  const blocks = new Blocks()
  let begun = false
  let refused = false
  let finish: (ChatEvent & { readonly _tag: "Finish" }) | undefined
  const begin = ({ id, model, usage }: Pick<Reading, "id" | "model" | "usage">): ReadonlyArray<Buffer> => {
    if (begun) return []
    begun = true
    const message = {
      id: id ?? answering.fresh("msg_"),
      type: "message",
      role: "assistant",
      model: model ?? answering.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: Usage.write(usage)
    }
    return [frame("message_start", { message })]
  }
  const reason = (): FinishReason => finish?.reason ?? (blocks.called ? "tool_calls" : "stop")
  return {
    write: (reading) => {
      const own = reading.events.filter(({ index }) => index === 0)
      if (own.length === 0) return []
      const frames = [...begin(reading)]
      for (const event of own) {
        if (event._tag === "Refusal") refused = true
        if (event._tag === "Finish") finish = event
        else frames.push(...blocks.write(event))
      }
      return frames
    },
    ping: [frame("ping", {})],
    close: (usage) => [
      ...begin({ id: undefined, model: undefined, usage }),
      ...blocks.close(),
      frame("message_delta", {
        delta: {
          // A provider that does not say why it ended did so to have its calls made, if there are any.
          stop_reason: stopReason(refused && finish?.reason === "stop" ? "refusal" : reason()),
          stop_sequence: finish?.sequence ?? null
        },
        usage: Usage.write(usage)
      })
    ]
  }
}

/** The clean end of a stream. */
export const end: Buffer = Sse.encode('{"type":"message_stop"}', "message_stop")

/** A ping that carries one member; no client looks into a ping. */
export const memberFrame = (key: string, value: unknown): Buffer => frame("ping", { [key]: value })

const frame = (type: string, members: JsonObject): Buffer => Sse.encode(Json.stringify({ type, ...members }), type)

type Said = Exclude<ChatEvent, { readonly _tag: "Finish" }>

type Kind = "text" | "thinking" | "sealed"

/**
 * The content blocks of one message. One is open at a time, but for tool calls of which only a half was said: their other
 * half may come when something else is said already, and must not be lost.
 */
class Blocks {
  private next = 0
  private open: { readonly index: number; readonly kind: Kind } | undefined = undefined
  /** Index of each call's block. */
  private readonly calls = new Map<number, number>()
  /** The arguments so far of each call whose block is open, by its index; `undefined` once they are whole. */
  private readonly halves = new Map<number, string | undefined>()

  get called(): boolean {
    return this.calls.size > 0
  }

  write(event: Said): ReadonlyArray<Buffer> {
    switch (event._tag) {
      case "Text":
      case "Refusal": {
        const start = this.enter("text", { type: "text", text: "" })
        return [...start, this.delta({ type: "text_delta", text: event.text })]
      }
      case "Reasoning": {
        const start = this.enter("thinking", { type: "thinking", thinking: "", signature: "" })
        return [...start, this.delta({ type: "thinking_delta", thinking: event.text })]
      }
      case "Signature": {
        const start = this.enter("thinking", { type: "thinking", thinking: "", signature: "" })
        return [...start, ...this.leave(event.seal)]
      }
      case "Sealed":
        return this.whole({ type: "redacted_thinking", data: Seals.mark(event.seal, native) })
      case "ToolCall":
        return this.call(event)
    }
  }

  /** Ends every open block. */
  close(): ReadonlyArray<Buffer> {
    return [...this.leave(), ...[...this.halves.keys()].map((index) => this.stop(index))]
  }

  private call({ arguments: text, call, id, name, seal }: Said & { readonly _tag: "ToolCall" }): ReadonlyArray<Buffer> {
    const frames: Array<Buffer> = []
    let index = this.calls.get(call)
    if (index === undefined) {
      // Clients take a signature from its delta only.
      frames.push(...this.clear(), ...(seal === undefined ? [] : this.write({ _tag: "Signature", index: 0, seal })))
      index = this.next++
      this.calls.set(call, index)
      this.halves.set(index, "")
      const content_block = { type: "tool_use", id: ToolIds.show(id ?? `call_${call}`), name: name ?? "", input: {} }
      frames.push(frame("content_block_start", { index, content_block }))
    }
    if (text !== "" && this.halves.has(index)) {
      const half = (this.halves.get(index) ?? "") + text
      // Only a piece that may be the last is looked at.
      const isWhole = text.trimEnd().endsWith("}") && Json.isRecord(Json.parsed(half))
      this.halves.set(index, isWhole ? undefined : half)
      frames.push(frame("content_block_delta", { index, delta: { type: "input_json_delta", partial_json: text } }))
    }
    return frames
  }

  /** A block that comes in one piece. */
  private whole(content_block: JsonObject): ReadonlyArray<Buffer> {
    return [...this.clear(), ...this.start("sealed", content_block), ...this.leave()]
  }

  /** Goes on with the open block of this kind, or begins one. */
  private enter(kind: Kind, content_block: JsonObject): ReadonlyArray<Buffer> {
    return this.open?.kind === kind ? [] : [...this.clear(), ...this.start(kind, content_block)]
  }

  /** Makes room for the next block. */
  private clear(): ReadonlyArray<Buffer> {
    const whole = [...this.halves].filter(([, text]) => text === undefined)
    return [...this.leave(), ...whole.map(([index]) => this.stop(index))]
  }

  private start(kind: Kind, content_block: JsonObject): ReadonlyArray<Buffer> {
    this.open = { index: this.next++, kind }
    return [frame("content_block_start", { index: this.open.index, content_block })]
  }

  private delta(delta: JsonObject): Buffer {
    return frame("content_block_delta", { index: this.open?.index, delta })
  }

  private stop(index: number): Buffer {
    this.halves.delete(index)
    return frame("content_block_stop", { index })
  }

  /** A thought ends with its signature. */
  private leave(seal: Seal = unsigned): ReadonlyArray<Buffer> {
    const { open } = this
    if (open === undefined) return []
    const signed =
      open.kind === "thinking" ? [this.delta({ type: "signature_delta", signature: Seals.mark(seal, native) })] : []
    this.open = undefined
    return [...signed, frame("content_block_stop", { index: open.index })]
  }
}
