import type { InstanceSettings } from "../config/Settings.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { Dialect } from "../domain/Dialect.js"
import type { Spliced } from "../protocol/Dialects.js"
import type { Lost } from "../protocol/Lossiness.js"
import * as Translation from "../protocol/Translation.js"
import { realmOf, speaking, vendors } from "./Vendor.js"

/** What is asked of an instance. */
export interface Asked {
  readonly request: ChatRequest
  /** The provider's own id. */
  readonly model: string
  /** Override the request's own. */
  readonly maxTokens: number | undefined
  readonly temperature: number | undefined
}

/** The request's body in the instance's dialect, and what of the request is not in it. Throws on absurd nesting only. */
export const encode = (instance: InstanceSettings, asked: Asked, dialect: Dialect, stream: boolean): Spliced => {
  const vendor = vendors[instance.provider]
  return Translation.encodeRequest(asked.request, dialect, {
    model: vendor.modelName(asked.model),
    stream,
    realm: realmOf(instance),
    quirks: vendor.quirks,
    maxTokens: asked.maxTokens,
    temperature: asked.temperature
  })
}

/** What the instance would not be told, known before it is asked; `undefined`: it cannot be asked at all. */
export const losses = (instance: InstanceSettings, asked: Asked): ReadonlySet<Lost> | undefined => {
  const speaks = speaking(instance, asked.request.dialect)
  if (speaks === undefined) return undefined
  try {
    return encode(instance, asked, speaks.dialect, asked.request.stream).lost
  } catch {
    return undefined
  }
}
