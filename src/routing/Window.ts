import type { ChatRequest } from "../domain/ChatRequest.js"
import * as RequestNeeds from "../protocol/RequestNeeds.js"
import * as RequestSize from "../protocol/RequestSize.js"
import * as TokenEstimate from "../protocol/TokenEstimate.js"
import type { TokenSampler } from "../protocol/TokenSampler.js"
import type { Candidate } from "./Candidate.js"

/**
 * The candidates whose context window a chat does not fit, by an estimate, and why. They may well be all: an estimate is no
 * reason to ask nobody.
 */
export const tooSmall = (
  request: ChatRequest,
  chain: ReadonlyArray<Candidate>,
  sampler: TokenSampler
): ReadonlyMap<Candidate, string> => {
  if (!mayDiffer(request, chain) || !RequestNeeds.isChat(request) || isStretched(request)) return none
  const room = roomIn(request, sampler)
  const found = new Map<Candidate, string>()
  for (const candidate of chain) {
    const why = room(candidate)
    if (why !== undefined) found.set(candidate, why)
  }
  return found
}

const none: ReadonlyMap<Candidate, string> = new Map()

/** Mostly a request has fewer bytes than the smallest window has tokens, or all windows are alike. */
const mayDiffer = (request: ChatRequest, chain: ReadonlyArray<Candidate>): boolean => {
  let smallest = unknown
  let largest = 0
  let answer = 0
  for (const { contextWindow = unknown, maxTokens = 0 } of chain) {
    if (contextWindow < smallest) smallest = contextWindow
    if (contextWindow > largest) largest = contextWindow
    if (maxTokens > answer) answer = maxTokens
  }
  if (smallest === largest) return false
  return request.body.byteLength + Math.max(answer, RequestNeeds.maxTokens(request) ?? 0) > smallest
}

const unknown = Number.POSITIVE_INFINITY

/** With this beta some of Claude's windows are five times what they are called. */
const isStretched = ({ headers }: ChatRequest): boolean => headers["anthropic-beta"]?.includes("context-1m") === true

/** Says why there is no room for the request and its answer. The tokenizer is only asked where the bytes leave it open. */
const roomIn = (request: ChatRequest, sampler: TokenSampler): ((candidate: Candidate) => string | undefined) => {
  const size = RequestSize.of(request)
  const most = RequestSize.mostTokens(size)
  const least = RequestSize.leastTokens(size)
  let estimated: number | undefined
  return ({ contextWindow, maxTokens, model }) => {
    if (contextWindow === undefined) return undefined
    const answer = maxTokens ?? RequestNeeds.maxTokens(request) ?? 0
    const left = contextWindow - answer
    if (most <= left) return undefined
    if (least > left) return describe("more than", Math.floor(least), answer, contextWindow)
    estimated ??= RequestSize.estimate(size, sampler)
    const tokens = Math.ceil(estimated * TokenEstimate.factorOf(model))
    return tokens > left ? describe("about", tokens, answer, contextWindow) : undefined
  }
}

const describe = (about: string, tokens: number, answer: number, window: number): string => {
  const more = answer === 0 ? "" : ` and up to ${answer} of the answer`
  return `${about} ${tokens} tokens${more} do not fit its context window of ${window}`
}
