import type { ChatRequest } from "../domain/ChatRequest.js"
import * as Money from "../domain/Money.js"
import type { Pricing } from "../ledger/Pricing.js"
import * as RequestNeeds from "../protocol/RequestNeeds.js"
import * as RequestSize from "../protocol/RequestSize.js"
import type { Candidate } from "./Candidate.js"
import type { Plan } from "./Plan.js"

/**
 * The most that the tokens of one request can cost over all the calls that its plan allows; `undefined`: nobody can say,
 * as a price is not known, or the answer has no bound and the model no known context window. Without a request it is that of a chat
 * which fills each candidate's window and is answered at the same length. At the prices of `now` (Unix ms). What a
 * provider charges for a search of its own is not in it.
 */
export const of = (
  { candidates, maxAttempts }: Pick<Plan, "candidates" | "maxAttempts">,
  pricing: Pricing["Type"],
  now: number,
  request?: ChatRequest
): Money.Money | undefined => {
  const bounds = request === undefined ? filled : boundsOf(request)
  const calls: Array<{ readonly cost: Money.Money; readonly times: number }> = []
  for (const candidate of candidates) {
    const cost = ofCall(candidate, bounds, pricing, now)
    if (cost === undefined) return undefined
    calls.push({ cost, times: candidate.maxCalls })
  }
  let left = maxAttempts
  let total = 0n
  for (const { cost, times } of calls.toSorted((a, b) => Number(b.cost > a.cost) - Number(b.cost < a.cost))) {
    const made = Math.min(times, left)
    total += cost * BigInt(made)
    left -= made
  }
  return Money.Money.make(total)
}

/** What one call of a request can have at most, whoever is asked; in tokens, `undefined` is without a bound. */
export interface Bounds {
  readonly input: number | undefined
  /** Of one answer. */
  readonly output: number | undefined
  readonly answers: number
  /** A window holds all of the input; else it holds each of several. */
  readonly windowed: boolean
  /** Nobody takes anything for a count of tokens. */
  readonly billed: boolean
  /** Sounds may be in it. */
  readonly audio: boolean
  /** It may be kept in a cache for an hour. */
  readonly hour: boolean
}

/** The bounds of a request. Of one with nothing but texts they are found at once; another is looked through. */
export const boundsOf = (request: ChatRequest): Bounds => {
  const asked = RequestNeeds.mostTokens(request)
  const isBounded = !RequestNeeds.hasProviderTools(request) && !RequestNeeds.hasOtherPrices(request)
  const { bytes, documents, images, whole } = RequestSize.isPlain(request) ? plain(request) : RequestSize.of(request)
  return {
    input: isBounded && whole && documents === 0 ? bytes + images * mostPerImage + around : undefined,
    output:
      request.dialect === "openai-embeddings" ? 0 : asked === undefined ? undefined : Math.max(0, Math.ceil(asked)),
    answers: RequestNeeds.answers(request),
    windowed: isBounded && RequestNeeds.isChat(request),
    billed: request.dialect !== "anthropic-count-tokens",
    audio: !whole || documents > 0,
    hour: mayAskForAnHour(request.body)
  }
}

const plain = ({ body }: ChatRequest) => ({ bytes: body.byteLength, documents: 0, images: 0, whole: true })

/**
 * A picture costs at most so many tokens: gpt-4o-mini counts 2,833 and 5,667 for each of up to eight tiles.
 * @see https://platform.openai.com/docs/guides/images-vision#calculating-costs
 */
const mostPerImage = 50_000

/** Tokens that a provider puts around a prompt, as Anthropic's several hundred to explain tools. */
const around = 1_000

/** Nobody keeps anything for an hour (`"ttl": "1h"`) unasked. In JSON its letters may be escaped. */
const mayAskForAnHour = (body: Uint8Array): boolean => {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  return bytes.includes(hour) || bytes.includes(escaped)
}

const hour = Buffer.from("1h")
const escaped = Buffer.from("\\u00")

const filled: Bounds = {
  input: undefined,
  output: undefined,
  answers: 1,
  windowed: true,
  billed: true,
  audio: true,
  hour: true
}

/**
 * The most that the tokens of one call to a candidate can cost, at the prices of `now` (Unix ms); `undefined`: nobody can say.
 * Each byte of text is a token at most; all input is at the dearest price that any of it may have, and so is all output. What a
 * long context adds is in it, and a fee by the request.
 */
export const ofCall = (
  { contextWindow, instance, maxTokens, model }: Pick<Candidate, "contextWindow" | "instance" | "maxTokens" | "model">,
  { answers, audio, billed, hour: anHour, ...asked }: Bounds,
  pricing: Pricing["Type"],
  now: number
): Money.Money | undefined => {
  if (!billed) return Money.zero
  const most = (input: number, output: number): Money.Money | undefined =>
    pricing.most(instance, [model], { input, output, audio, hour: anHour }, now)
  // Bytes are certain; a window may be larger than anybody has said. OpenRouter looks things up for a model that is `:online`.
  const input = model.endsWith(":online") ? undefined : (asked.input ?? (asked.windowed ? contextWindow : undefined))
  const output = within(maxTokens ?? asked.output, contextWindow)
  // What is free is so without a bound.
  if (input === undefined && most(endless, 0) !== most(0, 0)) return undefined
  if (output === undefined && most(0, endless) !== most(0, 0)) return undefined
  return most(input ?? 0, (output ?? 0) * answers)
}

const endless = Number.MAX_SAFE_INTEGER

const within = (tokens: number | undefined, window: number | undefined): number | undefined =>
  tokens === undefined || window === undefined ? (tokens ?? window) : Math.min(tokens, window)
