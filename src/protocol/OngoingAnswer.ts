import type { ChatRequest } from "../domain/ChatRequest.js"
import { plus, type Usage } from "../domain/Usage.js"
import type { Reading, StreamWriter } from "./Dialects.js"
import * as Json from "./Json.js"
import { isPing, type Output } from "./StreamMachine.js"

/**
 * One streamed answer that several providers may write, one after the other: whatever dialects they speak, one writer
 * shows it to the caller, so that it has one id, one finish and one usage, which is the sum. It remembers the text so far,
 * and whether anything was said that nobody else can go on with.
 */
export class OngoingAnswer {
  /** The text so far. */
  text = ""
  /** It was said why it ended; only the end mark is missing. */
  finished = false

  private writer: StreamWriter | undefined = undefined
  /** Whose frames are shown. */
  private speaker: Output | undefined = undefined
  private begun = false
  /** Something was said that is no text of the only choice. */
  private beyondText = false
  /** Frames that were written and not handed to the caller. */
  private owed = 0
  /** Of those who broke off. */
  private used: Usage | undefined = undefined

  /**
   * Can somebody go on with this text? Not behind a tool's call, which is half or will be answered, not behind a refusal or
   * output that no event stands for, and not where frames were lost on the way.
   */
  get continuable(): boolean {
    return !this.beyondText && this.owed === 0 && this.text.length <= longest
  }

  /** How the stream of the next provider is shown. The first one's writer is everybody's. */
  output(makeWriter: () => StreamWriter): Output {
    const writer = this.writer ?? makeWriter()
    this.writer = writer
    // Until the first event these may come without it.
    let known: Pick<Reading, "id" | "model" | "usage"> = { id: undefined, model: undefined, usage: undefined }
    const continues = this.begun
    const speaks = (): boolean => this.speaker === output
    const output: Output = {
      sparing: false,
      glance: () => undefined,
      show: (_, reading) => {
        if (isPing(reading)) return speaks() ? this.given(writer.ping) : []
        const { id = known.id, model = known.model, usage = known.usage } = reading
        known = { id, model, usage }
        // What the next one thinks belongs to no thought that the caller has seen.
        const events = continues ? reading.events.filter(({ _tag }) => !thoughts.has(_tag)) : reading.events
        if (events.length > 0 || reading.speaks === true) this.speaker ??= output
        if (!speaks()) return []
        const shown = { ...reading, ...known, events }
        this.note(shown)
        return this.given(writer.write(shown))
      },
      comment: () => (speaks() ? this.given(writer.ping) : []),
      close: (usage) => this.close(usage),
      failure: () => undefined
    }
    return output
  }

  /** The caller was given so many frames. */
  handed(frames: number): void {
    this.owed -= frames
  }

  /** Its provider broke off, having used so much. */
  broke(usage: Usage | undefined): void {
    this.used = plus(this.used, usage)
    this.speaker = undefined
  }

  /** What is still to be said when all has come, besides the end itself; `usage` is the last provider's. */
  close(usage: Usage | undefined): ReadonlyArray<Buffer> {
    return this.given(this.writer?.close(plus(this.used, usage)) ?? [])
  }

  private note({ events, speaks }: Reading): void {
    this.begun = true
    if (speaks === true) this.beyondText = true
    for (const event of events) {
      if (event.index !== 0 || event._tag === "ToolCall" || event._tag === "Refusal") this.beyondText = true
      else if (event._tag === "Text") this.text += event.text
      else if (event._tag === "Finish") this.finished = true
    }
  }

  private given(frames: ReadonlyArray<Buffer>): ReadonlyArray<Buffer> {
    this.owed += frames.length
    return frames
  }
}

/**
 * May the answer of this request be written by several? What it asks for must come as events: one choice, text and calls of
 * its own tools, without sound, log probabilities, citations and tools that the provider itself runs.
 */
export const possible = ({ dialect, view }: ChatRequest): boolean => {
  const tools = Json.records(view["tools"])
  const asksFor = (member: string): boolean => view[member] !== undefined && view[member] !== null
  if (dialect === "openai-chat") {
    const textOnly = Json.list(view["modalities"]).every((kind) => kind === "text")
    const own = tools.every(({ type }) => type === "function")
    return textOnly && own && (view["n"] ?? 1) === 1 && view["logprobs"] !== true && !beyondEvents.some(asksFor)
  }
  if (dialect !== "anthropic-messages") return false
  const blocks = Json.records(view["messages"]).flatMap(({ content }) => Json.records(content))
  const cites = blocks.some(({ citations }) => Json.record(citations)["enabled"] === true)
  const own = tools.every(({ type }) => type === undefined || type === "custom")
  return own && !cites && !beyondEvents.some(asksFor)
}

/** Members of either dialect that ask for what no event stands for. */
const beyondEvents = ["audio", "functions", "web_search_options", "plugins", "mcp_servers", "container"]

/** Characters; more than any model says, and than one would want to send again. */
const longest = 4 * 1024 * 1024

const thoughts: ReadonlySet<string> = new Set(["Reasoning", "Signature", "Sealed"])
