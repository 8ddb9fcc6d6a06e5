import type { ChatEvent } from "../../domain/ChatEvent.js"
import type { IncomingContext, JsonObject, Reading, StreamReader } from "../Dialects.js"
import * as ErrorSignals from "../ErrorSignals.js"
import type { Failure } from "../Failure.js"
import * as Json from "../Json.js"
import { nothing } from "../Readings.js"
import { named } from "./AnswerIn.js"
import { ContentReader } from "./ContentIn.js"
import * as Finish from "./Finish.js"
import * as Usage from "./Usage.js"

/** Reads the events of one message. */
export const reader = (incoming: IncomingContext): StreamReader => {
  const message = new MessageReader(incoming)
  return {
    read: (data, event) => {
      const json = Json.parsed(data)
      const type = Json.text(Json.record(json)["type"]) ?? event
      if (type === "error") return { ...nothing, failure: ErrorSignals.ofErrorEvent(json) }
      if (!Json.isRecord(json)) return undefined
      const reading = message.read(json, type)
      if (reading !== undefined) return { ...reading, json }
      // Those who stand in for Anthropic do not always name their errors.
      const failure = ErrorSignals.fromErrorValue(json, undefined)
      if (failure !== undefined) return { ...nothing, failure }
      return type === undefined ? undefined : { ...nothing, json }
    }
  }
}

/** A frame of the message. */
const some: Reading = { ...nothing, choices: [0] }

const said = (events: ReadonlyArray<ChatEvent>): Reading => ({ ...some, events })

/** Half a tool call cannot be taken back, and must not be executed. */
export const spliced: Failure = {
  category: "malformed_response",
  message: "the provider's stream began anew inside a tool call"
}

/** A content block that has begun and not ended. */
interface Open {
  /** Which call it is, when it is one. */
  readonly call: number | undefined
  /** The block as it began, or what of it is only told at its end. */
  readonly block: JsonObject
  /** Pieces of the call's input have come. */
  readonly pieces: boolean
}

/** Blocks whose output comes as events. */
const ownBlocks: ReadonlySet<unknown> = new Set(["text", "thinking", "redacted_thinking", "tool_use"])

class MessageReader {
  private readonly content: ContentReader
  /** The message as it began. */
  private start: JsonObject | undefined = undefined
  private finished = false
  private usage: JsonObject = {}
  private readonly open = new Map<unknown, Open>()

  constructor(incoming: IncomingContext) {
    this.content = new ContentReader(incoming)
  }

  /** `undefined` for what is no frame of a message. */
  read(json: JsonObject, type: string | undefined): Reading | undefined {
    switch (type) {
      case "message_start":
        return this.begin(Json.record(json["message"]))
      case "content_block_start":
        return this.enterBlock(json["index"], Json.record(json["content_block"]))
      case "content_block_delta":
        return said(this.delta(json["index"], Json.record(json["delta"])))
      case "content_block_stop":
        return said(this.leave(json["index"]))
      case "message_delta": {
        const delta = Json.record(json["delta"])
        const usage = this.count(json["usage"])
        return { ...said(typeof delta["stop_reason"] === "string" ? this.finish(delta) : []), usage }
      }
      case "message_stop":
        return { ...said(this.start === undefined ? [] : this.finish(this.start)), done: true }
      case "ping":
        return nothing
      default:
        return undefined
    }
  }

  /**
   * A message that is told twice is one. Some relays begin another one when the first broke off: what that has said stays,
   * indices start anew and calls count on.
   */
  private begin(message: JsonObject): Reading {
    const { id } = named(message)
    if (this.start !== undefined && id !== undefined && id === named(this.start).id) return some
    if ([...this.open.values()].some(({ call }) => call !== undefined)) return { ...some, failure: spliced }
    const left = this.leaveAll()
    this.start = message
    this.usage = {}
    const events = Json.records(message["content"]).flatMap((block) => this.content.events(block))
    return { ...said([...left, ...events]), ...named(message), usage: this.count(message["usage"]) }
  }

  /** What Anthropic's own tools do is output, too, though no event stands for it. */
  private enterBlock(index: unknown, block: JsonObject): Reading {
    const speaks = !ownBlocks.has(block["type"])
    return { ...said(this.enter(index, block)), speaks }
  }

  private enter(index: unknown, block: JsonObject): ReadonlyArray<ChatEvent> {
    const before = this.leave(index)
    const { type } = block
    const call = type === "tool_use" ? this.content.call(block) : undefined
    this.open.set(index, { call: call?.call, block, pieces: false })
    if (call !== undefined) return [...before, call]
    // The signature waits for the end: the thought may go on.
    if (type === "thinking") return [...before, ...this.content.thought(block["thinking"])]
    return type === "tool_use" ? before : [...before, ...this.content.events(block)]
  }

  private delta(index: unknown, delta: JsonObject): ReadonlyArray<ChatEvent> {
    const open = this.open.get(index)
    switch (delta["type"]) {
      case "text_delta":
        return this.content.text(delta["text"])
      case "thinking_delta":
        return this.content.thought(delta["thinking"])
      case "signature_delta":
        if (open === undefined) return this.content.signature(delta["signature"])
        this.open.set(index, { ...open, block: { ...open.block, signature: delta["signature"] } })
        return []
      case "input_json_delta": {
        const piece = Json.text(delta["partial_json"])
        if (open?.call === undefined || !piece) return []
        if (!open.pieces) this.open.set(index, { ...open, pieces: true })
        return [{ _tag: "ToolCall", index: 0, call: open.call, id: undefined, name: undefined, arguments: piece }]
      }
      default:
        return []
    }
  }

  private leave(index: unknown): ReadonlyArray<ChatEvent> {
    const open = this.open.get(index)
    if (open === undefined) return []
    this.open.delete(index)
    const { block, call, pieces } = open
    if (block["type"] === "thinking") return this.content.signature(block["signature"])
    if (call === undefined || pieces) return []
    const input = this.content.input(block)
    return [{ _tag: "ToolCall", index: 0, call, id: undefined, name: undefined, arguments: input }]
  }

  private leaveAll(): ReadonlyArray<ChatEvent> {
    return [...this.open.keys()].flatMap((index) => this.leave(index))
  }

  private finish(message: JsonObject): ReadonlyArray<ChatEvent> {
    const left = this.leaveAll()
    if (this.finished) return left
    this.finished = true
    return [...left, Finish.read(message)]
  }

  /** A count replaces the one before; what is not counted again stays. */
  private count(usage: unknown): Reading["usage"] {
    const counted = Object.entries(Json.record(usage)).filter(([, value]) => value !== null)
    if (counted.length === 0) return undefined
    this.usage = { ...this.usage, ...Object.fromEntries(counted) }
    return Usage.read(this.usage)
  }
}
