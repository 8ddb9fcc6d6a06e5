import type { JsonObject, Reading } from "../Dialects.js"
import type { Failure } from "../Failure.js"
import * as Json from "../Json.js"
import * as Seals from "../Seals.js"
import * as Sse from "../Sse.js"
import type { Output } from "../StreamMachine.js"
import { named } from "./AnswerIn.js"
import { unsigned } from "./AnswerOut.js"
import { native } from "./PromptIn.js"
import { spliced } from "./StreamIn.js"

/**
 * Passes the events of one stream on as the bytes that they came in. Repaired is what the SDKs reject: a message that
 * begins a second time. Seals of another endpoint than Anthropic's own (`realm`) are marked.
 */
export const make = (realm: string): Output => new Relay(realm)

class Relay implements Output {
  /** The message that has begun. */
  private message: JsonObject | undefined = undefined
  /** Content blocks so far, and those of them that are open, by the index that the caller knows. */
  private blocks = 0
  private readonly open = new Map<number, { readonly type: string; signed: boolean }>()
  /** Blocks before the message began again; indices count on from there. */
  private offset = 0
  private broken: Failure | undefined = undefined

  constructor(private readonly realm: string) {}

  readonly sparing = false

  readonly glance = (frame: Buffer): Buffer | undefined => (this.offset === 0 && passes(frame) ? frame : undefined)

  readonly show = (frame: Buffer, { done, json }: Reading): ReadonlyArray<Buffer> => {
    if (done || json === undefined) return []
    switch (json["type"]) {
      case "message_start":
        return this.begin(frame, Json.record(json["message"]))
      case "content_block_start":
        return this.start(frame, json)
      case "content_block_delta":
        return this.delta(frame, json)
      case "content_block_stop":
        return this.stop(frame, json)
      default:
        return [frame]
    }
  }

  readonly comment = (frame: Buffer): ReadonlyArray<Buffer> => [frame]

  readonly close = (): ReadonlyArray<Buffer> => []

  readonly failure = (): Failure | undefined => this.broken

  private begin(frame: Buffer, message: JsonObject): ReadonlyArray<Buffer> {
    const before = this.message
    this.message = message
    if (before === undefined) return [frame]
    // The same one told twice goes on; any other begins anew.
    const { id } = named(message)
    if (id !== undefined && id === named(before).id) return []
    if ([...this.open.values()].some(({ type }) => type === "tool_use")) {
      this.broken = spliced
      return []
    }
    const stops = [...this.open.keys()].map((index) => event("content_block_stop", { index }))
    this.open.clear()
    this.offset = this.blocks
    return stops
  }

  private start(frame: Buffer, json: JsonObject): ReadonlyArray<Buffer> {
    const index = this.indexOf(json)
    const block = Json.record(json["content_block"])
    const type = Json.text(block["type"]) ?? ""
    this.blocks = Math.max(this.blocks, index + 1)
    this.open.set(index, { type, signed: type !== "thinking" || Boolean(block["signature"]) })
    const key = type === "redacted_thinking" ? "data" : "signature"
    const value = Json.text(block[key])
    if (this.realm === native || !value) return [this.placed(frame, json, index)]
    const content_block = { ...block, [key]: Seals.mark({ origin: this.realm, value }, native) }
    return [event("content_block_start", { ...json, index, content_block })]
  }

  private delta(frame: Buffer, json: JsonObject): ReadonlyArray<Buffer> {
    const index = this.indexOf(json)
    const delta = Json.record(json["delta"])
    const value = Json.text(delta["signature"])
    if (delta["type"] !== "signature_delta" || !value) return [this.placed(frame, json, index)]
    const block = this.open.get(index)
    if (block !== undefined) block.signed = true
    if (this.realm === native) return [this.placed(frame, json, index)]
    const signature = Seals.mark({ origin: this.realm, value }, native)
    return [event("content_block_delta", { ...json, index, delta: { ...delta, signature } })]
  }

  private stop(frame: Buffer, json: JsonObject): ReadonlyArray<Buffer> {
    const index = this.indexOf(json)
    const block = this.open.get(index)
    this.open.delete(index)
    const shown = this.placed(frame, json, index)
    if (this.realm === native || block?.signed !== false) return [shown]
    const delta = { type: "signature_delta", signature: Seals.mark(unsigned, native) }
    return [event("content_block_delta", { index, delta }), shown]
  }

  private indexOf(json: JsonObject): number {
    return (Json.number(json["index"]) ?? 0) + this.offset
  }

  private placed(frame: Buffer, json: JsonObject, index: number): Buffer {
    return this.offset === 0 ? frame : event(String(json["type"]), { ...json, index })
  }
}

const event = (type: string, json: JsonObject): Buffer => Sse.encode(Json.stringify({ type, ...json }), type)

/** Pieces of text and of arguments hold nothing that the gateway must know, and are most of a stream. */
const passes = (frame: Buffer): boolean => {
  if (!frame.subarray(0, head.length).equals(head)) return false
  const text = frame.toString("latin1")
  return /"type": ?"(?:text_delta|thinking_delta|input_json_delta)"/.test(text) && /\}\s*\n\n$/.test(text)
}

const head = Buffer.from("event: content_block_delta\n")
