import * as Json from "../../../src/protocol/Json.js"
import type { JsonObject } from "../../../src/protocol/Dialects.js"
import * as Sse from "../../../src/protocol/Sse.js"

/** The events of a stream, as a client of Anthropic's gets them. */
export const eventsIn = (bytes: Buffer): ReadonlyArray<JsonObject> =>
  (new Sse.FrameSplitter().push(bytes) ?? []).flatMap((frame) => {
    const data = Sse.data(frame)
    return data === undefined ? [] : [Json.record(JSON.parse(data))]
  })

/** What is wrong with the order of a message's events, by Anthropic's rules; empty: nothing. */
export const wrong = (events: ReadonlyArray<JsonObject>): ReadonlyArray<string> => {
  const client = new Client()
  for (const event of events) client.hear(event)
  return client.complaints()
}

interface Open {
  readonly type: unknown
  readonly signed: boolean
  readonly input: string
}

/** As strict as any client: one block at a time, but for calls of which only a half was said. */
class Client {
  private readonly found: Array<string> = []
  private readonly open = new Map<unknown, Open>()
  private blocks = 0
  private at: "nothing" | "message" | "delta" | "end" = "nothing"

  complaints(): ReadonlyArray<string> {
    return this.at === "end" ? this.found : [...this.found, `it ends at ${this.at}`]
  }

  hear(event: JsonObject): void {
    const { index, type } = event
    const block = this.open.get(index)
    switch (type) {
      case "message_start":
        this.expect(this.at === "nothing", "a message begins twice")
        this.at = "message"
        return
      case "content_block_start":
        return this.start(index, Json.record(event["content_block"]))
      case "content_block_delta": {
        const delta = Json.record(event["delta"])
        this.expect(block !== undefined, `a piece of block ${String(index)}, which is not open`)
        if (block === undefined) return
        const { signed, input } = block
        const isSignature = delta["type"] === "signature_delta" && delta["signature"] !== ""
        const more = Json.text(delta["partial_json"]) ?? ""
        this.open.set(index, { ...block, signed: signed || isSignature, input: input + more })
        return
      }
      case "content_block_stop":
        this.expect(block !== undefined, `the end of block ${String(index)}, which is not open`)
        this.expect(block?.signed !== false, "a thought that nobody signed")
        this.open.delete(index)
        return
      case "message_delta":
        this.expect(this.at === "message" && this.open.size === 0, `a message's end, with ${this.open.size} open`)
        this.at = "delta"
        return
      case "message_stop":
        this.expect(this.at === "delta", `the last event after ${this.at}`)
        this.at = "end"
        return
      default:
        this.expect(type === "ping" && this.at !== "nothing", `an event of type ${String(type)}`)
    }
  }

  private start(index: unknown, block: JsonObject): void {
    this.expect(this.at === "message", "a block outside of the message")
    this.expect(index === this.blocks, `block ${String(index)} after ${this.blocks} others`)
    const whole = [...this.open.values()].filter(({ input, type }) => {
      const half = type === "tool_use" && !Json.isRecord(Json.parsed(input))
      return !half
    })
    this.expect(whole.length === 0, "a block inside another one")
    this.blocks++
    this.open.set(index, {
      type: block["type"],
      signed: block["type"] !== "thinking" || Boolean(block["signature"]),
      input: ""
    })
  }

  private expect(fine: boolean, otherwise: string): void {
    if (!fine) this.found.push(otherwise)
  }
}
