import * as Context from "effect/Context"
import { inputTotal, outputTotal } from "../domain/Usage.js"
import * as Money from "../domain/Money.js"
import type { Facts, Inbound } from "./WireReply.js"

/** One line a request. It is not an Effect: a log call in a fiber would cost more than the request's own work. */
export class AccessLog extends Context.Tag("orelse/AccessLog")<
  AccessLog,
  { readonly write: (line: AccessLine) => void }
>() {}

/** A finished request in one line; never its content. */
export interface AccessLine {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly status: number
  readonly ms: number
  /** The model as the caller named it, and as it was served. */
  readonly asked?: string
  readonly instance?: string
  readonly model?: string
  readonly stream?: boolean
  readonly attempts?: number
  readonly fallback?: boolean
  readonly input_tokens?: number
  readonly output_tokens?: number
  readonly cost_usd?: string
  /** Absent where the cache had nothing to do with it. */
  readonly cache?: string
  readonly failure?: string
}

export const line = (inbound: Inbound, path: string, status: number, facts: Facts): AccessLine => {
  const ms = Math.round((performance.now() - inbound.at) * 10) / 10
  const entry: { -readonly [Field in keyof AccessLine]: AccessLine[Field] } = {
    id: inbound.id,
    method: inbound.method,
    path,
    status,
    ms
  }
  if (facts.asked !== undefined) {
    entry.asked = facts.asked
    entry.stream = facts.stream
    entry.attempts = facts.attempts.length
    entry.fallback = facts.fallback
  }
  if (facts.instance !== undefined) entry.instance = facts.instance
  if (facts.model !== undefined) entry.model = facts.model
  if (facts.usage !== undefined) {
    entry.input_tokens = inputTotal(facts.usage)
    entry.output_tokens = outputTotal(facts.usage)
  }
  if (facts.cost !== undefined) entry.cost_usd = Money.toUsd(facts.cost)
  if (facts.cache !== "bypass") entry.cache = facts.cache
  if (facts.failure !== undefined) entry.failure = facts.failure
  return entry
}

/** nginx's status for a client that closed its request; it is only logged. */
export const hungUp = 499
