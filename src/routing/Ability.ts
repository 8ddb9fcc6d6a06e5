import type { ChatRequest } from "../domain/ChatRequest.js"
import { RequestRejected } from "../domain/GatewayError.js"
import type { Lost } from "../protocol/Lossiness.js"
import * as Translation from "../protocol/Translation.js"
import * as Asking from "../provider/Asking.js"
import { speaking } from "../provider/Vendor.js"
import type { Candidate } from "./Candidate.js"

/** A candidate that cannot do what is asked, however well it is. */
export interface Inability {
  readonly candidate: Candidate
  /** `dialect`: it does not offer this kind of request. `lossy`: it would not be told all. `not_wanted`, `price`: the caller. */
  readonly reason: "dialect" | "lossy" | "not_wanted" | "price"
  readonly detail: string
}

/** Chats can be asked of everybody, so mostly there is nothing to find out. */
export const inabilities = (
  request: ChatRequest,
  chain: ReadonlyArray<Candidate>,
  maxAttempts: number
): ReadonlyArray<Inability> => {
  const translated = request.dialect === "openai-chat" || request.dialect === "anthropic-messages"
  if (translated && !request.lossless) return noInability
  let able = 0
  return chain.flatMap((candidate): ReadonlyArray<Inability> => {
    const { instance, maxTokens, model, temperature } = candidate
    // Nobody behind these is asked anyway.
    if (able >= maxAttempts) return []
    if (speaking(instance, request.dialect) === undefined) {
      return [{ candidate, reason: "dialect", detail: "it does not offer this kind of request" }]
    }
    if (!request.lossless) {
      able++
      return []
    }
    const lost = Asking.losses(instance, { request, model, maxTokens, temperature })
    if (lost?.size === 0) {
      able++
      return []
    }
    const names = lost === undefined ? "the request" : namesOf(request, lost)
    return [{ candidate, reason: "lossy", detail: `it would not be told: ${names}` }]
  })
}

/** The names come from the caller; a few of them tell enough. */
const namesOf = (request: ChatRequest, lost: ReadonlySet<Lost>): string =>
  Translation.dropped(request.dialect, lost).slice(0, 8).join(", ").slice(0, 200)

const noInability: ReadonlyArray<Inability> = []

/** What a request is told when nobody can. */
export const nobodyCan = (request: ChatRequest, unable: ReadonlyArray<Inability>): RequestRejected => {
  const lossy = unable.filter(({ reason }) => reason === "lossy")
  const unwanted = unable.filter(({ reason }) => reason === "not_wanted" || reason === "price")
  if (unwanted.length > 0) {
    const each = unwanted.map(({ candidate, detail }) => `${candidate.instance.id}: ${detail}`).join("; ")
    const message = `'provider' leaves nobody who serves '${request.model}' (${each})`
    return new RequestRejected({ message, param: "provider", code: "no_allowed_provider" })
  }
  if (lossy.length === 0) {
    const message = `no provider of '${request.model}' offers this kind of request`
    return new RequestRejected({ message, param: "model", code: "unsupported_by_model" })
  }
  const each = lossy.map(({ candidate, detail }) => `${candidate.instance.id}: ${detail}`).join("; ")
  const message = `no provider of '${request.model}' takes the whole request, which 'require' demands (${each})`
  return new RequestRejected({ message, param: "require", code: "lossless_impossible" })
}
