import type { ChatEvent } from "../../domain/ChatEvent.js"
import type { JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"
import * as Finish from "./Finish.js"
import * as RepairMessage from "./RepairMessage.js"
import { mapped, merged, without } from "./Sameness.js"

/** What is put where a vendor left something out. */
export interface Repairs {
  /** Whose seals these are: foreign ones are marked. */
  readonly realm: string
  readonly model: string
  /** Unix time in s. */
  readonly created: number
  readonly fresh: (prefix: string) => string
}

/**
 * A whole answer of a compatible vendor in OpenAI's shape: what strict clients reject is repaired, nothing else is touched.
 * The very same object where there is nothing to repair.
 */
export const answer = (json: JsonObject, events: ReadonlyArray<ChatEvent>, repairs: Repairs): JsonObject => {
  const repaired = around(json, "chat.completion", repairs)
  return merged(repaired, {
    choices: mapped(Json.list(repaired["choices"]), (choice, position) => {
      const record = Json.record(choice)
      const index = Json.number(record["index"]) ?? position
      const own = events.filter((event) => event.index === index)
      const reason = own.find((event) => event._tag === "Finish")?.reason ?? "stop"
      return merged(withLogprobs(record), {
        index,
        message: RepairMessage.whole(Json.record(record["message"]), own, repairs.realm),
        finish_reason: Finish.words.has(record["finish_reason"]) ? record["finish_reason"] : Finish.write(reason)
      })
    })
  })
}

/** The chunks of one stream in OpenAI's shape. */
export class Chunks {
  private readonly begun = new Set<number>()
  private readonly finished = new Set<number>()
  private readonly repairs: Repairs

  constructor(repairs: Repairs) {
    let id: string | undefined
    // All chunks are of one answer.
    this.repairs = { ...repairs, fresh: (prefix) => (id ??= repairs.fresh(prefix)) }
  }

  repair(json: JsonObject, events: ReadonlyArray<ChatEvent>): JsonObject {
    const repaired = around(json, "chat.completion.chunk", this.repairs)
    return merged(repaired, {
      choices: mapped(Json.list(repaired["choices"]), (choice) => this.choice(Json.record(choice), events))
    })
  }

  private choice(choice: JsonObject, events: ReadonlyArray<ChatEvent>): JsonObject {
    const index = Json.number(choice["index"]) ?? 0
    const own = events.filter((event) => event.index === index)
    const first = !this.begun.has(index)
    this.begun.add(index)
    const reason = own.find((event) => event._tag === "Finish")?.reason
    const repeated = this.finished.has(index)
    if (reason !== undefined) this.finished.add(index)
    const said = choice["finish_reason"]
    return merged(withLogprobs(choice), {
      index,
      delta: RepairMessage.delta(Json.record(choice["delta"]), own, this.repairs.realm, first),
      finish_reason: reason === undefined || repeated ? null : Finish.words.has(said) ? said : Finish.write(reason)
    })
  }
}

// ---------------------------------------------------------------------------------------------- around the choices

const around = (
  json: JsonObject,
  object: "chat.completion" | "chat.completion.chunk",
  { created, fresh, model }: Repairs
): JsonObject => {
  const choices = Json.list(json["choices"])
  const kept = choices.filter(Json.isRecord)
  const known = merged(json, {
    ...(absent(json["id"]) ? {} : { id: Json.text(json["id"]) ?? String(json["id"]) }),
    ...(json["id"] === null ? { id: fresh("chatcmpl-") } : {}),
    ...(json["object"] === undefined ? {} : { object }),
    ...(absent(json["created"]) ? {} : { created: secondsOf(json["created"]) ?? created }),
    ...(json["model"] === undefined ? {} : { model: Json.text(json["model"]) ?? model }),
    choices: Array.isArray(json["choices"]) && kept.length === choices.length ? json["choices"] : kept
  })
  // What is left of an error here is an empty one, and null is no name.
  const named = known["provider"] === null ? without(known, "provider") : known
  return withUsage("error" in named ? without(named, "error") : named, object)
}

const absent = (value: unknown): boolean => value === undefined || value === null

/** Some vendors count in ms. */
const secondsOf = (value: unknown): number | undefined => {
  const seconds = typeof value === "string" ? Number(value) : value
  if (typeof seconds !== "number" || !Number.isFinite(seconds)) return undefined
  return seconds > 1e11 ? Math.floor(seconds / 1000) : seconds
}

/** Usage is an object or it is not there; in a chunk it may be null, as OpenAI has it. */
const withUsage = (json: JsonObject, object: string): JsonObject => {
  const { usage } = json
  if (usage === undefined || (usage === null && object === "chat.completion.chunk")) return json
  if (!Json.isRecord(usage)) return without(json, "usage")
  const prompt = countOf(usage["prompt_tokens"])
  const completion = countOf(usage["completion_tokens"])
  return merged(json, {
    usage: merged(withDetails(usage), {
      prompt_tokens: prompt,
      completion_tokens: completion,
      total_tokens: typeof usage["total_tokens"] === "number" ? usage["total_tokens"] : prompt + completion
    })
  })
}

const countOf = (value: unknown): number =>
  typeof value === "number" ? value : typeof value === "string" ? Json.count(Number(value)) : 0

/** Where there are details, some clients want the count that OpenAI always has. */
const withDetails = (usage: JsonObject): JsonObject =>
  wanted.reduce((before, [name, count]) => {
    const details = before[name]
    return Json.isRecord(details)
      ? merged(before, { [name]: merged(details, { [count]: Json.number(details[count]) ?? 0 }) })
      : before
  }, usage)

const wanted = [
  ["prompt_tokens_details", "cached_tokens"],
  ["completion_tokens_details", "reasoning_tokens"]
] as const

/** OpenAI's shape, or none: some vendors have the one of the legacy API. */
const withLogprobs = (choice: JsonObject): JsonObject => {
  const { logprobs } = choice
  if (logprobs === undefined || logprobs === null) return choice
  const { content } = Json.record(logprobs)
  if (!Json.isRecord(logprobs) || !Array.isArray(content)) {
    return Json.isRecord(logprobs) && content === null ? choice : { ...choice, logprobs: null }
  }
  const tokens = mapped(content, (token) =>
    Array.isArray(Json.record(token)["top_logprobs"]) ? token : { ...Json.record(token), top_logprobs: [] }
  )
  return merged(choice, { logprobs: merged(logprobs, { content: tokens }) })
}
