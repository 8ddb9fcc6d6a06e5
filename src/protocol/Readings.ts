import type { Reading } from "./Dialects.js"
import type { Failure } from "./Failure.js"

/** A frame that tells nothing of the answer, as a ping. */
export const nothing: Reading = {
  events: [],
  choices: [],
  id: undefined,
  model: undefined,
  usage: undefined,
  reportedCost: undefined,
  failure: undefined,
  done: false,
  json: undefined
}

/** An answer that ends in an error which says no more. */
export const endedInError: Failure = {
  category: "provider_unavailable",
  message: "the provider ended its answer with an error"
}
