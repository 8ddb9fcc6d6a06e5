import type { ChatEvent } from "../../domain/ChatEvent.js"
import type { FinishReason } from "../../domain/FinishReason.js"
import type { Seal } from "../../domain/Prompt.js"
import type { IncomingContext, JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"
import * as JsonText from "../JsonText.js"

/** What the candidates of an answer, or of one frame of it, say. */
export interface Said {
  readonly events: ReadonlyArray<ChatEvent>
  /** Indices of the candidates. */
  readonly choices: ReadonlyArray<number>
  /** Google's word for an answer that is none. */
  readonly broken: string | undefined
}

/** Reads the candidates of one answer, which come whole or in frames of the same shape. */
export class CandidateReader {
  /** How many tools each candidate has called. */
  private readonly calls = new Map<number, number>()

  constructor(private readonly incoming: IncomingContext) {}

  read(json: JsonObject): Said {
    const candidates = Json.records(json["candidates"])
    const blocked = Json.text(Json.record(json["promptFeedback"])["blockReason"])
    // Google's moderation looks at the prompt before a model does.
    if (candidates.length === 0 && blocked) {
      return { events: [finish(0, "content_filter")], choices: [0], broken: undefined }
    }
    return {
      events: candidates.flatMap((candidate, position) => this.events(candidate, indexOf(candidate, position))),
      choices: candidates.map(indexOf),
      broken: candidates.map((candidate) => Json.text(candidate["finishReason"])).find((word) => breaks.has(word))
    }
  }

  /** A candidate's end, for the word that Google has for it; Google says `STOP` after calls too. */
  end(index: number, word: string | undefined): ChatEvent {
    const known = word === undefined ? undefined : reasons.get(word)
    const reason = known ?? "stop"
    const said = finish(index, reason === "stop" && this.calls.has(index) ? "tool_calls" : reason)
    return known === undefined ? { ...said, assumed: true } : said
  }

  private events(candidate: JsonObject, index: number): ReadonlyArray<ChatEvent> {
    const said = Json.records(Json.record(candidate["content"])["parts"]).flatMap((part) => this.part(part, index))
    const word = Json.text(candidate["finishReason"])
    return word ? [...said, this.end(index, word)] : said
  }

  private part(part: JsonObject, index: number): ReadonlyArray<ChatEvent> {
    const { functionCall, thought } = part
    const text = Json.text(part["text"]) ?? ""
    const signature = Json.text(part["thoughtSignature"])
    const seal = signature ? { origin: this.incoming.realm, value: signature } : undefined
    if (Json.isRecord(functionCall)) return this.call(functionCall, index, seal)
    // A signature on plain text may be left out of the next request, and no event is there for it.
    if (thought !== true) return text === "" ? [] : [{ _tag: "Text", index, text }]
    return [
      ...(text === "" ? [] : [{ _tag: "Reasoning", index, text } as const]),
      ...(seal === undefined ? [] : [{ _tag: "Signature", index, seal } as const])
    ]
  }

  /** A call comes whole, since the request never asks for its arguments in pieces. */
  private call(call: JsonObject, index: number, seal: Seal | undefined): ReadonlyArray<ChatEvent> {
    const name = Json.text(call["name"])
    if (!name) return []
    const place = this.calls.get(index) ?? 0
    this.calls.set(index, place + 1)
    const id = Json.text(call["id"]) || this.incoming.fresh("call_")
    const args = JsonText.of(Json.record(call["args"])) || "{}"
    return [
      { _tag: "ToolCall", index, call: place, id, name, arguments: args, ...(seal === undefined ? {} : { seal }) }
    ]
  }
}

/** Google leaves out an index of 0. */
const indexOf = (candidate: JsonObject, position: number): number => {
  const index = Json.number(candidate["index"]) ?? position
  return Number.isSafeInteger(index) && index >= 0 ? index : position
}

const finish = (index: number, reason: FinishReason): ChatEvent & { readonly _tag: "Finish" } => ({
  _tag: "Finish",
  index,
  reason
})

/** Every other word is taken for a `stop`: https://ai.google.dev/api/generate-content#FinishReason. */
const reasons: ReadonlyMap<string, FinishReason> = new Map([
  ["STOP", "stop"],
  ["MAX_TOKENS", "length"],
  ...[
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MODEL_ARMOR",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION"
  ].map((word) => [word, "content_filter"] as const)
])

/**
 * The model wrote a call that cannot be read, or of a tool that it was not given. That is no answer: as a `stop` an agent
 * would take it for the end of its work, as `tool_calls` it would wait for calls that are not there. Another try, or
 * another provider, may well give one.
 */
const breaks: ReadonlySet<string | undefined> = new Set([
  "MALFORMED_FUNCTION_CALL",
  "UNEXPECTED_TOOL_CALL",
  "MALFORMED_RESPONSE",
  "MISSING_THOUGHT_SIGNATURE"
])
