import { capabilities, type Capability } from "../config/Settings.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import * as RequestNeeds from "../protocol/RequestNeeds.js"
import type { Candidate } from "./Candidate.js"

/** What the operator says that an instance cannot do. */
export interface Lack {
  readonly reason: "capability" | "max_tokens"
  readonly detail: string
}

/** Has the operator said anything about what it can do? Most say nothing. */
export const isLimited = ({ instance }: Candidate): boolean =>
  instance.capabilities !== undefined || instance.maxTokensPerRequest !== undefined

/** Finds what a candidate lacks for a request. What the request needs is looked up when first asked for, and once. */
export const lackFor = (request: ChatRequest): ((candidate: Candidate) => Lack | undefined) => {
  const known = new Map<Capability, boolean>()
  const needs = (capability: Capability): boolean => {
    const needed = known.get(capability) ?? isNeeded[capability](request)
    known.set(capability, needed)
    return needed
  }
  return ({ instance, maxTokens }) => {
    const able = instance.capabilities
    const missing =
      able === undefined || !RequestNeeds.isChat(request)
        ? undefined
        : capabilities.find((capability) => !able.includes(capability) && needs(capability))
    if (missing !== undefined) return { reason: "capability", detail: withoutIt[missing] }
    const most = instance.maxTokensPerRequest
    if (most === undefined) return undefined
    const asked = maxTokens ?? RequestNeeds.maxTokens(request)
    if (asked === undefined || asked <= most) return undefined
    return { reason: "max_tokens", detail: `it is asked for ${most} output tokens at most, and not for ${asked}` }
  }
}

const isNeeded: Readonly<Record<Capability, (request: ChatRequest) => boolean>> = {
  chat: () => true,
  tools: RequestNeeds.hasTools,
  vision: RequestNeeds.hasImages,
  json_schema: RequestNeeds.hasSchema
}

const withoutIt: Readonly<Record<Capability, string>> = {
  chat: "it does not chat",
  tools: "it has no tools",
  vision: "it has no vision",
  json_schema: "it follows no JSON schema"
}
