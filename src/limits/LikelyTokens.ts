import type { ChatRequest } from "../domain/ChatRequest.js"
import * as RequestNeeds from "../protocol/RequestNeeds.js"
import * as RequestSize from "../protocol/RequestSize.js"

/**
 * Tokens that a request probably takes, in and out, before anybody knows: four bytes a token, and what it allows the answer,
 * in so far as answers are mostly that long.
 */
export const of = (request: ChatRequest): number => {
  switch (request.dialect) {
    // Nobody bills the counting of tokens, nor holds it to this limit.
    case "anthropic-count-tokens":
      return 0
    case "openai-embeddings":
      return RequestSize.likelyTokens(request)
    default:
      return RequestSize.likelyTokens(request) + output(request)
  }
}

/** Most answers end long before the most that they may be. */
export const mostOutput = 4_096

const output = (request: ChatRequest): number =>
  Math.min(RequestNeeds.maxTokens(request) ?? unsaid, mostOutput) * RequestNeeds.answers(request)

/** Where a request does not say how long its answer may be. */
const unsaid = 1_024
