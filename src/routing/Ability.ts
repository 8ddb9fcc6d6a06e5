import type { ChatRequest } from "../domain/ChatRequest.js"
import { RequestRejected } from "../domain/GatewayError.js"
import type { Lost } from "../protocol/Lossiness.js"
import * as RequestNeeds from "../protocol/RequestNeeds.js"
import type { TokenSampler } from "../protocol/TokenSampler.js"
import * as Translation from "../protocol/Translation.js"
import * as Asking from "../provider/Asking.js"
import { speaking } from "../provider/Vendor.js"
import type { Candidate } from "./Candidate.js"
import * as Capability from "./Capability.js"
import * as Window from "./Window.js"

/** A candidate that cannot do what is asked, however well it is. */
export interface Inability {
  readonly candidate: Candidate
  /** `not_wanted`, `price`: the caller said so. `context_window`: its request is too long for it. */
  readonly reason: "dialect" | "capability" | "max_tokens" | "lossy" | "context_window" | "not_wanted" | "price"
  readonly detail: string
}

/** Chats can be asked of everybody of whom nothing else is known, so mostly there is nothing to find out. */
export const inabilities = (
  request: ChatRequest,
  chain: ReadonlyArray<Candidate>,
  maxAttempts: number,
  sampler: TokenSampler
): ReadonlyArray<Inability> => {
  const tooSmall = Window.tooSmall(request, chain, sampler)
  if (RequestNeeds.isChat(request) && !request.lossless && tooSmall.size === 0 && !chain.some(Capability.isLimited)) {
    return noInability
  }
  const lackOf = Capability.lackFor(request)
  let able = 0
  const judge = (candidate: Candidate): ReadonlyArray<Inability> => {
    // Nobody behind these is asked anyway.
    if (able >= maxAttempts) return []
    const why = dialectOf(request, candidate) ?? lackOf(candidate) ?? lossOf(request, candidate)
    if (why !== undefined) return [{ candidate, ...why }]
    able++
    return []
  }
  const unable = chain.flatMap((candidate) => (tooSmall.has(candidate) ? [] : judge(candidate)))
  // Where it fits nobody else, the providers shall judge.
  if (able === 0) return [...unable, ...[...tooSmall.keys()].flatMap(judge)]
  for (const [candidate, detail] of tooSmall) unable.push({ candidate, reason: "context_window", detail })
  return unable
}

type Why = Omit<Inability, "candidate">

const dialectOf = ({ dialect }: ChatRequest, { instance }: Candidate): Why | undefined =>
  speaking(instance, dialect) === undefined
    ? { reason: "dialect", detail: "it does not offer this kind of request" }
    : undefined

const lossOf = (request: ChatRequest, { instance, maxTokens, model, temperature }: Candidate): Why | undefined => {
  if (!request.lossless) return undefined
  const lost = Asking.losses(instance, { request, model, maxTokens, temperature })
  if (lost?.size === 0) return undefined
  const names = lost === undefined ? "the request" : namesOf(request, lost)
  return { reason: "lossy", detail: `it would not be told: ${names}` }
}

/** The names come from the caller; a few of them tell enough. */
const namesOf = (request: ChatRequest, lost: ReadonlySet<Lost>): string =>
  Translation.dropped(request.dialect, lost).slice(0, 8).join(", ").slice(0, 200)

const noInability: ReadonlyArray<Inability> = []

/** What a request is told when nobody can. */
export const nobodyCan = (request: ChatRequest, unable: ReadonlyArray<Inability>): RequestRejected => {
  const unwanted = unable.filter(({ reason }) => reason === "not_wanted" || reason === "price")
  if (unwanted.length > 0) {
    const reasons = unable.map(({ candidate, detail }) => `${candidate.instance.id}: ${detail}`).join("; ")
    const message = `'provider' leaves nobody who serves '${request.model}' (${reasons})`
    return new RequestRejected({ message, param: "provider", code: "no_allowed_provider" })
  }
  const telling = unable.filter(({ reason }) => reason !== "dialect")
  if (telling.length === 0) {
    const message = `no provider of '${request.model}' offers this kind of request`
    return new RequestRejected({ message, param: "model", code: "unsupported_by_model" })
  }
  const each = telling.map(({ candidate, detail }) => `${candidate.instance.id}: ${detail}`).join("; ")
  if (telling.every(({ reason }) => reason === "lossy")) {
    const message = `no provider of '${request.model}' takes the whole request, which 'require' demands (${each})`
    return new RequestRejected({ message, param: "require", code: "lossless_impossible" })
  }
  const message = `no provider of '${request.model}' can do what the request needs (${each})`
  const param = telling.every(({ reason }) => reason === "max_tokens") ? "max_tokens" : "model"
  return new RequestRejected({ message, param, code: "unsupported_by_model" })
}
