import type { ChatEvent } from "../../domain/ChatEvent.js"
import type { JsonObject, Reading } from "../Dialects.js"
import * as Json from "../Json.js"
import * as JsonSplice from "../JsonSplice.js"
import * as Sse from "../Sse.js"
import type { Output } from "../StreamMachine.js"
import * as Repair from "./Repair.js"

export interface Relaying extends Repair.Repairs {
  /** The gateway asked for usage that the caller did not ask for. */
  readonly hidesUsage: boolean
  /** The legacy dialect of completions, whose choices hold `text`: nothing is known that strict clients reject. */
  readonly legacy: boolean
}

/** Passes the frames of one stream on as the bytes that they came in, but for what strict clients reject. */
export const make = (relaying: Relaying): Output => new Relay(relaying)

class Relay implements Output {
  private readonly chunks: Repair.Chunks
  /** The vendor's frames have what OpenAI's have; told by the first one that only has a choice. */
  private regular: boolean | undefined
  /** The members around the choices. */
  private base: JsonObject = {}
  /** Tool calls by choice, and whether there were arguments. */
  private readonly calls = new Map<number, Array<boolean>>()

  constructor(private readonly relaying: Relaying) {
    this.chunks = new Repair.Chunks(relaying)
    if (relaying.legacy) this.regular = true
  }

  readonly sparing = true

  readonly glance = (frame: Buffer): Buffer | undefined =>
    this.regular && passes(frame) ? this.hiding(frame) : undefined

  readonly show = (frame: Buffer, { done, events, json, usage }: Reading): ReadonlyArray<Buffer> => {
    if (done || json === undefined) return []
    const choices = Json.list(json["choices"])
    if (this.relaying.hidesUsage && choices.length === 0 && usage !== undefined) return []
    if (this.relaying.legacy) return [this.hiding(frame)]
    const repaired = this.chunks.repair(json, events)
    if (choices.length > 0) {
      // A role that is missing in the first chunk is missing nowhere else.
      this.regular ??= this.chunks.repair(json, events) === json
      const { choices: _, usage: __, ...base } = repaired
      this.base = base
    }
    const shown = repaired === json ? frame : Sse.encode(Json.stringify(repaired))
    const { after, before } = this.missingArguments(events)
    return [...before, this.hiding(shown), ...after]
  }

  readonly comment = (frame: Buffer): ReadonlyArray<Buffer> => [frame]

  readonly close = (_: unknown, open: ReadonlyArray<number>): ReadonlyArray<Buffer> =>
    this.relaying.legacy
      ? []
      : open.flatMap((index) => [
          ...this.missingArguments([{ _tag: "Finish", index, reason: "stop" }]).before,
          this.chunk(index, {}, this.calls.has(index) ? "tool_calls" : "stop")
        ])

  readonly failure = (): undefined => undefined

  /** A call that ends without any arguments has none, and a client that parses nothing dies. */
  private missingArguments(events: ReadonlyArray<ChatEvent>): {
    readonly before: ReadonlyArray<Buffer>
    readonly after: ReadonlyArray<Buffer>
  } {
    const before: Array<Buffer> = []
    const after: Array<Buffer> = []
    const here = new Set<number>()
    for (const event of events) {
      const calls = this.calls.get(event.index) ?? []
      if (event._tag === "ToolCall") {
        here.add(event.call)
        calls[event.call] = (calls[event.call] ?? false) || event.arguments !== ""
        this.calls.set(event.index, calls)
      } else if (event._tag === "Finish") {
        for (const [call, argued] of calls.entries()) {
          const calling = { index: call, function: { arguments: "{}" } }
          if (argued) continue
          calls[call] = true
          const side = here.has(call) ? after : before
          side.push(this.chunk(event.index, { tool_calls: [calling] }, null))
        }
      }
    }
    return { before, after }
  }

  private chunk(index: number, delta: JsonObject, finish: string | null): Buffer {
    return Sse.encode(Json.stringify({ ...this.base, choices: [{ index, delta, finish_reason: finish }] }))
  }

  private hiding(frame: Buffer): Buffer {
    return this.relaying.hidesUsage ? withoutNullUsage(frame) : frame
  }
}

const lf = 0x0a
const space = 0x20
const colon = 0x3a
const letterD = 0x64
const openBrace = 0x7b
const closeBrace = 0x7d
const field = "data:".length

/**
 * Frames that cannot hold usage, an error, an end, a second choice or something to repair need no parsing. Inside a JSON
 * string the quotes would be escaped, so these words are always keys or whole values.
 */
const passes = (frame: Buffer): boolean => {
  if (!isObject(frame)) return false
  const text = frame.toString("latin1")
  return someChoices.test(text) && !telling.test(text)
}

const someChoices = /"choices"[ :]*\[ *\{/

const telling = new RegExp(
  `"(?:${[
    'error"',
    '(?:finish_reason|usage|logprobs|annotations)"[ :]*[^ :n]',
    'index"[ :]*[^ :0]',
    'delta"[ :]*[^ :{]',
    'role"[ :]*(?!"assistant"|[ :])',
    '(?:content|refusal|reasoning|reasoning_content)"[ :]*[^ :n"]',
    '(?:tool_calls|function_call|reasoning_details)"'
  ].join("|")})`
)

/** The frame's data look like a whole JSON object, and after them no event is named. */
const isObject = (frame: Buffer): boolean =>
  frame[0] === letterD &&
  frame[field - 1] === colon &&
  frame[frame[field] === space ? field + 1 : field] === openBrace &&
  frame[frame.length - 3] === closeBrace

/** A vendor that was asked for usage says `"usage":null` in every other chunk; a caller who did not ask sees none. */
const withoutNullUsage = (frame: Buffer): Buffer => {
  if (!frame.includes(usageKey)) return frame
  const usual = frame.indexOf(nullAfterChoices)
  if (usual >= 0) return without(frame, usual + nullAfterChoices.indexOf(","), usual + nullAfterChoices.length)
  const from = frame.indexOf(openBrace)
  const to = frame.lastIndexOf(closeBrace) + 1
  const json = frame.subarray(from, to)
  if (json.includes(lf) || someUsage.test(json.toString("latin1"))) return frame
  return Buffer.concat([frame.subarray(0, from), JsonSplice.edit(json, { usage: undefined }), frame.subarray(to)])
}

const usageKey = Buffer.from('"usage"')
const nullAfterChoices = Buffer.from('}],"usage":null')
const someUsage = /"usage"[ :]*[^ :n]/

const without = (frame: Buffer, from: number, to: number): Buffer =>
  Buffer.concat([frame.subarray(0, from), frame.subarray(to)])
