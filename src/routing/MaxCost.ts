import type { ChatRequest } from "../domain/ChatRequest.js"
import * as Money from "../domain/Money.js"
import type { Usage } from "../domain/Usage.js"
import type { Pricing } from "../ledger/Pricing.js"
import * as RequestNeeds from "../protocol/RequestNeeds.js"
import * as RequestSize from "../protocol/RequestSize.js"
import type { Candidate } from "./Candidate.js"
import type { Plan } from "./Plan.js"

/**
 * The most that the tokens of one request can cost over all the calls that its plan allows; `undefined`: nobody can say,
 * as a price is not known, or the answer has no bound and the model no known context window. Without a request it is that of a chat
 * which fills each candidate's window and is answered at the same length. At the prices of `now` (Unix ms). What a
 * provider charges besides, as for a search of its own, is not in it.
 */
export const of = (
  { candidates, maxAttempts }: Pick<Plan, "candidates" | "maxAttempts">,
  pricing: Pricing["Type"],
  now: number,
  request?: ChatRequest
): Money.Money | undefined => {
  if (request?.dialect === "anthropic-count-tokens") return Money.zero
  const asked = request === undefined ? undefined : boundsOf(request)
  const calls: Array<{ readonly cost: Money.Money; readonly times: number }> = []
  for (const candidate of candidates) {
    const cost = ofCall(candidate, pricing, now, asked)
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

/** The most that one call of a request to a candidate can cost; `undefined`: nobody can say. */
export const ofOne = (
  candidate: Candidate,
  pricing: Pricing["Type"],
  now: number,
  request: ChatRequest
): Money.Money | undefined =>
  request.dialect === "anthropic-count-tokens" ? Money.zero : ofCall(candidate, pricing, now, boundsOf(request))

/** What one call of a request can have at most, whoever is asked; in tokens, `undefined` is without a bound. */
interface Bounds {
  readonly input: number | undefined
  /** Of one answer. */
  readonly output: number | undefined
  readonly answers: number
  /** A window holds all of the input; else it holds each of several. */
  readonly windowed: boolean
}

const boundsOf = (request: ChatRequest): Bounds => {
  const { bytes, documents, images, whole } = RequestSize.of(request)
  const asked = RequestNeeds.maxTokens(request)
  return {
    input: whole && documents === 0 ? bytes + images * mostPerImage + around : undefined,
    output:
      request.dialect === "openai-embeddings" ? 0 : asked === undefined ? undefined : Math.max(0, Math.ceil(asked)),
    answers: RequestNeeds.answers(request),
    windowed: RequestNeeds.isChat(request)
  }
}

/**
 * A picture costs at most so many tokens: gpt-4o-mini counts 2,833 and 5,667 for each of up to eight tiles.
 * @see https://platform.openai.com/docs/guides/images-vision#calculating-costs
 */
const mostPerImage = 50_000

/** Tokens that a provider puts around a prompt, as Anthropic's several hundred to explain tools. */
const around = 1_000

const filled: Bounds = { input: undefined, output: undefined, answers: 1, windowed: true }

const ofCall = (
  { contextWindow, instance, maxTokens, model }: Candidate,
  pricing: Pricing["Type"],
  now: number,
  asked: Bounds = filled
): Money.Money | undefined => {
  const dearest = (input: number, output: number): Money.Money | undefined => {
    const costs = usages(input, output).flatMap((usage) => pricing.cost(instance, [model], usage, now) ?? [])
    return costs.length === 0 ? undefined : costs.reduce((most, cost) => (most > cost ? most : cost))
  }
  const input = asked.windowed ? within(asked.input, contextWindow) : asked.input
  const output = within(maxTokens ?? asked.output, contextWindow)
  // What is free is so without a bound.
  if (input === undefined && dearest(million, 0) !== Money.zero) return undefined
  if (output === undefined && dearest(0, million) !== Money.zero) return undefined
  return dearest(input ?? 0, (output ?? 0) * asked.answers)
}

const million = 1_000_000

const within = (tokens: number | undefined, window: number | undefined): number | undefined =>
  tokens === undefined || window === undefined ? (tokens ?? window) : Math.min(tokens, window)

/** What is written to a cache may cost more than what is not, and a thought more than what is said. */
const usages = (input: number, output: number): ReadonlyArray<Usage> =>
  [
    { input, cacheWrite: 0 },
    { input: 0, cacheWrite: input }
  ].flatMap((read) => [
    { ...read, cacheRead: 0, output, reasoning: 0 },
    { ...read, cacheRead: 0, output: 0, reasoning: output }
  ])
