import type { ChatEvent } from "../../domain/ChatEvent.js"
import type { IncomingContext, JsonObject, Reading, StreamReader } from "../Dialects.js"
import * as ErrorSignals from "../ErrorSignals.js"
import * as Json from "../Json.js"
import { nothing } from "../Readings.js"
import { modelIn } from "../openai/AnswerIn.js"
import * as Finish from "../openai/Finish.js"
import * as Pieces from "../openai/Pieces.js"
import * as OpenAiStream from "../openai/StreamIn.js"
import * as Usage from "../openai/Usage.js"
import * as AnswerIn from "./AnswerIn.js"

/**
 * Reads the frames of one stream: Workers AI's own, or OpenAI's chunks, which newer models send on the same route. Most
 * models never say why they finished; then `[DONE]` does.
 */
export const reader = (incoming: IncomingContext): StreamReader => {
  const chunks = OpenAiStream.reader(incoming)
  const places = new Pieces.CallPlaces(incoming)
  const choices = new Choices()
  return {
    read: (data, event) => {
      if (data.trim() === "[DONE]") return choices.end()
      const json = Json.parsed(data)
      const isChunk = Json.isRecord(json) && AnswerIn.hasChoices(json)
      const reading = isChunk ? chunks.read(data, event) : frame(json, places)
      return reading === undefined ? undefined : choices.follow(reading)
    }
  }
}

const frame = (json: unknown, places: Pieces.CallPlaces): Reading | undefined => {
  const failure = ErrorSignals.fromErrorValue(json, undefined) ?? Finish.failure([json])
  if (failure !== undefined) return { ...nothing, failure }
  if (!Json.isRecord(json) || !members.some((name) => json[name] !== undefined)) return undefined
  const { finish_reason: reason, usage } = json
  const events = [...AnswerIn.textIn(json), ...AnswerIn.callsIn(json).map((call) => places.piece(call, 0))]
  const ends = typeof reason === "string" && reason !== ""
  const finish: ReadonlyArray<ChatEvent> = ends ? [Finish.read(0, reason, places.count(0) > 0)] : []
  return {
    ...nothing,
    events: [...events, ...finish],
    choices: speaks(json) ? [0] : [],
    id: Json.text(json["id"]) || undefined,
    model: modelIn(json),
    usage: Json.isRecord(usage) ? Usage.read(usage) : undefined,
    json
  }
}

const members = ["response", "tool_calls", "finish_reason", "usage", "choices"]

const speaks = (json: JsonObject): boolean =>
  json["response"] !== undefined || json["tool_calls"] !== undefined || json["finish_reason"] !== undefined

/** Which choices have begun, called tools and finished. */
class Choices {
  private readonly open = new Set<number>()
  private readonly called = new Set<number>()
  private readonly finished = new Set<number>()

  /** A choice finishes once: a reason that is said again is left out. */
  follow(reading: Reading): Reading {
    for (const index of reading.choices) this.open.add(index)
    return { ...reading, events: reading.events.filter((event) => this.takes(event)) }
  }

  end(): Reading {
    const left = [...this.open].filter((index) => !this.finished.has(index))
    return {
      ...nothing,
      events: left.map((index) => Finish.read(index, "stop", this.called.has(index))),
      choices: left,
      done: true
    }
  }

  private takes({ _tag, index }: ChatEvent): boolean {
    if (_tag === "ToolCall") this.called.add(index)
    if (_tag !== "Finish") return true
    const first = !this.finished.has(index)
    this.finished.add(index)
    return first
  }
}
