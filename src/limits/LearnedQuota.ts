import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import type { InstanceSettings } from "../config/Settings.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { Limited, RateLimit } from "../protocol/RateLimits.js"
import * as RequestNeeds from "../protocol/RequestNeeds.js"
import * as RequestSize from "../protocol/RequestSize.js"
import { mostOutput } from "./LikelyTokens.js"

/** Takes what the answer to a call says of the limits, at this time (Unix ms). */
export type Learn = (limits: ReadonlyArray<RateLimit>, now: number) => void

/** Why a call would probably be told to wait. */
export interface Shortage {
  /** A safe sentence. */
  readonly detail: string
  /** Unix ms. */
  readonly until: number
}

/** What the providers' own answers say is left of their limits, for each instance and model. It never asks by itself. */
export class LearnedQuota extends Context.Tag("orelse/LearnedQuota")<
  LearnedQuota,
  {
    /** A call starts. What its answer says holds from here: calls that start later are taken off it. */
    readonly start: (instance: InstanceSettings, model: string, request: ChatRequest) => Learn | undefined
    /** Would a call that starts now probably get a 429? Without a request: the shortest one. */
    readonly shortage: (
      instance: InstanceSettings,
      model: string,
      now: number,
      request?: ChatRequest
    ) => Shortage | undefined
  }
>() {
  static readonly layer: Layer.Layer<LearnedQuota> = Layer.sync(LearnedQuota, () => new Quotas())
}

/** What is known of one model of one instance. */
interface Known {
  limits: ReadonlyArray<RateLimit>
  /** Unix ms. */
  at: number
  /** Calls so far, and which of them told this. */
  started: number
  toldBy: number
}

class Quotas {
  private readonly known = new WeakMap<InstanceSettings, Map<string, Known>>()

  readonly start = (instance: InstanceSettings, model: string, request: ChatRequest): Learn | undefined => {
    if (isApart(request)) return undefined
    const known = this.known.get(instance)?.get(model)
    const call = known === undefined ? 0 : ++known.started
    return (limits, now) => this.learn(instance, model, call, limits, now)
  }

  readonly shortage = (
    instance: InstanceSettings,
    model: string,
    now: number,
    request?: ChatRequest
  ): Shortage | undefined => {
    const known = this.known.get(instance)?.get(model)
    if (known === undefined || (request !== undefined && isApart(request))) return undefined
    let longest: Shortage | undefined
    for (const limit of known.limits) {
      if (!isShort(limit, known, request)) continue
      const until = Math.min(limit.resetAt, known.at + (limit.refills ? believed.refilling : believed.walled))
      if (now >= until || (longest !== undefined && longest.until >= until)) continue
      const seconds = Math.ceil((until - now) / 1000)
      longest = { detail: `its quota of ${words[limit.of]} is used up for ${seconds} s`, until }
    }
    return longest
  }

  private learn(
    instance: InstanceSettings,
    model: string,
    call: number,
    limits: ReadonlyArray<RateLimit>,
    at: number
  ): void {
    const models = this.known.get(instance) ?? new Map<string, Known>()
    this.known.set(instance, models)
    const known = models.get(model)
    if (known === undefined) {
      // Names of models come from callers: those that were heard of first are forgotten first.
      for (const first of models.keys()) {
        if (models.size < mostModels) break
        models.delete(first)
      }
      models.set(model, { limits, at, started: 0, toldBy: 0 })
    } else if (call >= known.toldBy) {
      known.limits = limits
      known.at = at
      // One that started before all of this was forgotten knows nothing of later calls.
      known.toldBy = Math.min(call, known.started)
    }
  }
}

/** Anthropic limits the counting of tokens apart from all else. */
const isApart = ({ dialect }: ChatRequest): boolean => dialect === "anthropic-count-tokens"

const isShort = (limit: RateLimit, { started, toldBy }: Known, request: ChatRequest | undefined): boolean => {
  if (limit.of === "requests") return limit.remaining <= started - toldBy
  const need = Math.max(1, request === undefined ? 0 : needs(limit.of, request))
  // A full one never holds more.
  return limit.remaining < need && limit.remaining < (limit.limit ?? Number.POSITIVE_INFINITY)
}

/** Tokens that a request probably takes: four bytes a token, and what it allows the answer. */
const needs = (of: Exclude<Limited, "requests">, request: ChatRequest): number => {
  const input = of === "output_tokens" ? 0 : RequestSize.likelyTokens(request)
  const output = Math.min(RequestNeeds.maxTokens(request) ?? 0, mostOutput)
  return of === "input_tokens" ? input : of === "output_tokens" ? output : input + output
}

/**
 * How long one answer's word is taken for it, in ms: a limit that refills has room long before all of it is there again, which
 * may be a day, and nobody would see that who never asks.
 */
const believed = { refilling: 60_000, walled: 3_600_000 }

const mostModels = 1_000

const words: Readonly<Record<Limited, string>> = {
  requests: "requests",
  tokens: "tokens",
  input_tokens: "input tokens",
  output_tokens: "output tokens"
}
