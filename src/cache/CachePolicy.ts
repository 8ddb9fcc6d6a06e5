import type { CachePolicy } from "../config/Settings.js"
import type { ChatAnswer } from "../domain/ChatAnswer.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { FinishReason } from "../domain/FinishReason.js"
import * as Json from "../protocol/Json.js"
import * as Translation from "../protocol/Translation.js"

/**
 * May a request be answered from the cache? Counting tokens is cheap and not an answer; whoever has the provider store an
 * answer wants that done again.
 */
export const covers = (policy: CachePolicy, { dialect, view }: ChatRequest): boolean => {
  if (dialect === "anthropic-count-tokens" || view["store"] === true) return false
  return policy === "all" || dialect === "openai-embeddings" || view["temperature"] === 0
}

/** Does a whole answer say all that there is to say? What a filter has cut is no answer to be given again. */
export const isComplete = ({ dialect }: ChatRequest, { view }: ChatAnswer): boolean => {
  if (dialect === "openai-embeddings") return Json.list(view["data"]).length > 0
  if (dialect === "anthropic-messages") return ends(view["stop_reason"])
  const choices = Json.list(view["choices"])
  return choices.length > 0 && choices.every((choice) => ends(Json.record(choice)["finish_reason"]))
}

/** The same of the frames of a stream whose end was clean. */
export const endsWell = ({ dialect, view }: ChatRequest, frames: ReadonlyArray<Buffer>): boolean => {
  const eventsIn = Translation.events(dialect)
  // Behind the finish of a choice comes next to nothing, but that of another choice may stand anywhere.
  const looked = Json.number(view["n"]) === undefined ? frames.slice(-tail) : frames
  let finished = false
  for (const frame of looked) {
    for (const event of eventsIn(frame)) {
      if (event._tag !== "Finish") continue
      if (cutShort.has(event.reason)) return false
      finished = true
    }
  }
  return finished
}

const tail = 16

const ends = (reason: unknown): boolean => typeof reason === "string" && reason !== "" && !cutShortWords.has(reason)

const cutShort: ReadonlySet<FinishReason> = new Set(["content_filter", "refusal", "pause"])

/** The same in the words of both dialects. */
const cutShortWords: ReadonlySet<string> = new Set(["content_filter", "refusal", "pause_turn"])
