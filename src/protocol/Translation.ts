import * as Either from "effect/Either"
import type { ChatAnswer } from "../domain/ChatAnswer.js"
import * as ChatEvent from "../domain/ChatEvent.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { ChatDialect, Dialect, FrontDialect } from "../domain/Dialect.js"
import * as Anthropic from "./anthropic/Anthropic.js"
import * as AnthropicMarks from "./anthropic/Marks.js"
import { native as nativeToAnthropic } from "./anthropic/PromptIn.js"
import * as AnthropicRelay from "./anthropic/Relay.js"
import * as AnthropicSplice from "./anthropic/Splice.js"
import type { AnswerContext, Back, JsonObject, Outbound, Spliced, StreamWriter } from "./Dialects.js"
import type { Failure } from "./Failure.js"
import { fronts } from "./Fronts.js"
import * as Gemini from "./gemini/Gemini.js"
import * as Json from "./Json.js"
import { LineSplitter } from "./Lines.js"
import type { Lost } from "./Lossiness.js"
import type { OngoingAnswer } from "./OngoingAnswer.js"
import * as Ollama from "./ollama/Ollama.js"
import * as Finish from "./openai/Finish.js"
import { native as nativeToOpenAi } from "./openai/Native.js"
import * as OpenAi from "./openai/OpenAi.js"
import { isRegular } from "./openai/Regular.js"
import * as OpenAiRelay from "./openai/Relay.js"
import * as OpenAiRepair from "./openai/Repair.js"
import * as OpenAiSplice from "./openai/Splice.js"
import { failureIn } from "./openai/StreamIn.js"
import * as OpenAiUsage from "./openai/Usage.js"
import * as Seals from "./Seals.js"
import * as Sse from "./Sse.js"
import type { Output, Way } from "./StreamMachine.js"
import * as Translator from "./Translator.js"
import * as WorkersAiAnswer from "./workersai/AnswerIn.js"
import * as WorkersAi from "./workersai/WorkersAi.js"

/**
 * Between a caller's dialect and a provider's. Where both are the same, bytes pass; else a request, an answer or a stream
 * goes through the domain's types.
 */
const backs: Readonly<Record<ChatDialect, Back>> = {
  "openai-chat": OpenAi.back,
  "anthropic-messages": Anthropic.back,
  gemini: Gemini.back,
  "workers-ai": WorkersAi.back,
  ollama: Ollama.back
}

/** What is known of one call besides the request. */
export interface Answering extends Omit<AnswerContext, "includeUsage"> {
  /** Whose seals the provider's are. */
  readonly realm: string
  /** The gateway asked for usage on its own. */
  readonly hidesUsage: boolean
}

/** Can a provider that speaks `back` answer what is asked in `front`? */
export const possible = (front: FrontDialect, back: Dialect): boolean =>
  front === back || (isChat(back) && (front === "openai-chat" || front === "anthropic-messages"))

/** The request as it goes to a candidate, and what the candidate is not told. */
export const encodeRequest = (request: ChatRequest, back: Dialect, outbound: Outbound): Spliced => {
  if (request.dialect === back || !isChat(back) || request.prompt === undefined) {
    return isOpenAi(request.dialect)
      ? OpenAiSplice.encode(request, outbound)
      : AnthropicSplice.encode(request, outbound)
  }
  const { json, lost } = backs[back].encode(request.prompt(), outbound)
  return { body: Buffer.from(Json.stringify(json)), lost }
}

/** Headers that a dialect wants besides the key; the caller's own where it speaks the same one. */
export const headers = (request: ChatRequest, back: Dialect): Readonly<Record<string, string>> =>
  request.dialect === back ? { ...dialectHeaders(back), ...request.headers } : dialectHeaders(back)

/** Headers that a dialect wants besides the key. */
export const dialectHeaders = (back: Dialect): Readonly<Record<string, string>> =>
  back.startsWith("anthropic-") ? { "anthropic-version": "2023-06-01" } : {}

/** How a dialect cuts its streams. */
export const framing = (back: Dialect): Back["framing"] => (isChat(back) ? backs[back].framing : "sse")

/** What a candidate is not told, in the caller's own words. */
export const dropped = (front: FrontDialect, lost: ReadonlySet<Lost>): ReadonlyArray<string> =>
  [...new Set([...lost].map(fronts[front].nameOf))].toSorted()

/**
 * A whole answer with a 2xx status, in the caller's dialect. It is a failure when it holds an error or no answer.
 * `answering` is only asked for what must be written anew.
 */
export const decodeAnswer = (
  request: ChatRequest,
  back: Dialect,
  body: Buffer,
  answering: () => Answering
): Either.Either<ChatAnswer, Failure> => {
  const text = body.toString("utf8")
  const json = Json.parsedForReading(text)
  if (json === undefined) return malformed("the provider's answer is not JSON")
  const failure = failureIn(json)
  if (failure !== undefined) return Either.left(failure)
  if (!Json.isRecord(json)) return malformed("the provider's answer is no JSON object")
  const ended = back === "workers-ai" ? WorkersAiAnswer.failureIn(json) : undefined
  if (ended !== undefined) return Either.left(ended)
  if (!isChat(back)) return plainAnswer(back, body, json)
  if (back === "openai-chat" && request.dialect === back && isRegular(json)) {
    return openAiAnswer(body, json, Finish.complete(Json.list(json["choices"])))
  }
  // What is written again keeps its numbers.
  return chatAnswer(request, back, body, Json.record(Json.parsed(text)), answering())
}

/** How a stream goes from the provider to the caller; `answer` where it is a part of one that others may go on with. */
export const way = (request: ChatRequest, back: Dialect, answering: Answering, answer?: OngoingAnswer): Way => {
  const spoken = backs[isChat(back) ? back : "openai-chat"]
  return {
    framing: spoken.framing,
    splitter: spoken.framing === "sse" ? new Sse.FrameSplitter() : new LineSplitter(),
    reader: spoken.reader(answering),
    output: answer?.output(() => writerOf(request, answering)) ?? outputOf(request, back, answering)
  }
}

/** Reads frames of a stream as the caller gets them. */
export const events = (front: FrontDialect): ((frame: Buffer) => ReadonlyArray<ChatEvent.ChatEvent>) => {
  const { reader } = isChat(front) ? backs[front] : OpenAi.back
  const { read } = reader({ realm: native(front), fresh: (prefix) => prefix })
  return (frame) => {
    const data = Sse.data(frame)
    return data === undefined
      ? []
      : (read(data, Sse.eventName(frame))?.events ?? []).map((event) => unmarked(event, front))
  }
}

/** Whose seals are not marked in a dialect. */
const native = (front: FrontDialect): string =>
  front === "anthropic-messages" ? nativeToAnthropic : nativeToOpenAi.details

/** With the seal's true origin. */
const unmarked = (event: ChatEvent.ChatEvent, front: FrontDialect): ChatEvent.ChatEvent =>
  "seal" in event && event.seal !== undefined
    ? {
        ...event,
        seal: Seals.read(event.seal.value, event._tag === "ToolCall" ? nativeToOpenAi.toolCall : native(front))
      }
    : event

const outputOf = (request: ChatRequest, back: Dialect, answering: Answering): Output => {
  const { dialect } = request
  if (dialect !== back) return Translator.make(writerOf(request, answering))
  return dialect === "anthropic-messages"
    ? AnthropicRelay.make(answering.realm)
    : OpenAiRelay.make({ ...answering, legacy: dialect === "openai-completions" })
}

const writerOf = ({ dialect, includeUsage }: ChatRequest, answering: Answering): StreamWriter =>
  fronts[dialect].writer({ ...answering, includeUsage })

const chatAnswer = (
  { dialect, includeUsage }: ChatRequest,
  back: ChatDialect,
  body: Buffer,
  json: JsonObject,
  answering: Answering
): Either.Either<ChatAnswer, Failure> => {
  const completion = backs[back].decode(json, answering)
  if (completion === undefined) return malformed("the provider's answer holds no answer")
  const { model, reportedCost, usage } = completion
  const view =
    dialect !== back
      ? fronts[dialect].encodeAnswer(completion, { ...answering, includeUsage })
      : dialect === "openai-chat"
        ? OpenAiRepair.answer(json, completion.events, answering)
        : AnthropicMarks.answer(json, answering.realm)
  const bytes = view === json ? body : Buffer.from(Json.stringify(view))
  const complete = !completion.events.some(ChatEvent.cutsShort)
  return Either.right({ body: bytes, view, model, complete, usage, reportedCost })
}

/** What is never translated: the answer has one member that it must have. */
const plainAnswer = (back: Dialect, body: Buffer, json: JsonObject): Either.Either<ChatAnswer, Failure> => {
  const said = json[back === "openai-embeddings" ? "data" : "choices"]
  const answers =
    back === "anthropic-count-tokens" ? Json.number(json["input_tokens"]) !== undefined : Array.isArray(said)
  if (!answers) return malformed("the provider's answer holds no answer")
  const choices = Json.list(said)
  return openAiAnswer(body, json, back === "openai-embeddings" ? choices.length > 0 : Finish.complete(choices))
}

/** Bytes as they came, and what the gateway reads in them. */
const openAiAnswer = (body: Buffer, json: JsonObject, complete: boolean): Either.Either<ChatAnswer, Failure> => {
  const usage = OpenAiUsage.find(json)
  return Either.right({
    body,
    view: json,
    model: Json.text(json["model"]) || undefined,
    complete,
    usage: usage === undefined ? undefined : OpenAiUsage.read(usage),
    reportedCost: usage === undefined ? undefined : OpenAiUsage.costIn(usage)
  })
}

const malformed = (message: string): Either.Either<never, Failure> =>
  Either.left({ category: "malformed_response", message })

const isChat = (dialect: Dialect): dialect is ChatDialect => dialect in backs

const isOpenAi = (dialect: FrontDialect): boolean => dialect.startsWith("openai-")
