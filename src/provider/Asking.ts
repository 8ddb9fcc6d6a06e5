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
  const encoded = Translation.encodeRequest(asked.request, dialect, {
    model: vendor.modelName(asked.model),
    stream,
    realm: realmOf(instance),
    names: asked.request.preferences === undefined ? nobody : [instance.id, instance.provider],
    quirks: vendor.quirks,
    maxTokens: asked.maxTokens,
    temperature: asked.temperature
  })
  const foreign = vendor.quirks.preferences === true ? [] : (asked.request.preferences?.foreign ?? [])
  return foreign.length === 0
    ? encoded
    : { ...encoded, lost: new Set([...encoded.lost, ...foreign.map((name): Lost => `foreign:provider.${name}`)]) }
}

const nobody: ReadonlyArray<string> = []

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
