import type { ErrorCategory } from "./ErrorCategory.js"
import * as Money from "./Money.js"

/** What operators are told of, in the words of `alerts.webhooks[].events`. */
export const kinds = [
  "circuit_open",
  "key_out",
  "fallback_exhausted",
  "budget_threshold",
  "price_unknown",
  "store_trouble"
] as const
export type AlertKind = (typeof kinds)[number]

/** Something that an operator should know at once. It names things and counts them, and never quotes. */
export type Alert = CircuitOpen | KeyOut | FallbackExhausted | BudgetThreshold | PriceUnknown | StoreTrouble

/** An instance, or a model of it, is not asked for a while. */
export interface CircuitOpen {
  readonly kind: "circuit_open"
  readonly instance: string
  /** The provider's own id; `undefined`: it is the whole instance. */
  readonly model: string | undefined
  /** In a row. */
  readonly failures: number
  /** In seconds, until it is tried again. */
  readonly retryIn: number | undefined
}

/** The key of an instance is refused, or its quota is spent. */
export interface KeyOut {
  readonly kind: "key_out"
  readonly instance: string
  /** In seconds, until it is tried again. */
  readonly retryIn: number | undefined
}

/** Nobody answered a request. */
export interface FallbackExhausted {
  readonly kind: "fallback_exhausted"
  /** As the caller named it. */
  readonly model: string
  /** Of the calls that failed; empty: nobody could be asked. */
  readonly categories: ReadonlyArray<ErrorCategory>
}

/** A budget is spent to this part, or refuses calls, which counts as all of it. */
export interface BudgetThreshold {
  readonly kind: "budget_threshold"
  /** As `provider:openai`. */
  readonly scope: string
  readonly period: "daily" | "weekly" | "monthly"
  readonly percent: number
  readonly spent: Money.Money
  readonly limit: Money.Money
  /** Less is spent, but it refuses calls that may cost more than what is left. */
  readonly refuses: boolean
  /** Unix ms; `undefined`: it has no fixed end, as a rolling one. */
  readonly resetsAt: number | undefined
}

/** Calls are billed at a price that nobody knows. */
export interface PriceUnknown {
  readonly kind: "price_unknown"
  readonly instance: string
  /** The provider's own id. */
  readonly model: string
}

/** What is to be kept waits, or is lost. */
export interface StoreTrouble {
  readonly kind: "store_trouble"
  readonly store: "database" | "journal"
  readonly trouble: "down" | "read_only" | "full"
}

/** What tells alerts of one kind apart: a second one about the same says nothing new. */
export const aboutOf = (alert: Alert): ReadonlyArray<string> => {
  switch (alert.kind) {
    case "circuit_open":
      return circuit(alert.instance, alert.model)
    case "key_out":
      return [alert.instance]
    case "fallback_exhausted":
      return [alert.model]
    case "budget_threshold":
      return [alert.scope, alert.period, String(alert.percent), String(alert.resetsAt)]
    case "price_unknown":
      return [alert.instance, alert.model]
    case "store_trouble":
      return [alert.store]
  }
}

/** May callers make up what it is about, as users and models? Then there is no end of such alerts. */
export const isMadeByCallers = (alert: Alert): boolean => {
  switch (alert.kind) {
    case "circuit_open":
      return alert.model !== undefined
    case "budget_threshold":
      return /^(user|key):/.test(alert.scope)
    case "fallback_exhausted":
    case "price_unknown":
      return true
    case "key_out":
    case "store_trouble":
      return false
  }
}

/** What an alert about a circuit is about. */
export const circuit = (instance: string, model: string | undefined): ReadonlyArray<string> =>
  model === undefined ? [instance] : [instance, model]

/** The fields of an alert as others read them; times are ISO 8601, money is USD as a decimal. */
export const detailsOf = (alert: Alert): Readonly<Record<string, string | number | ReadonlyArray<string>>> => {
  switch (alert.kind) {
    case "circuit_open":
      return {
        instance: alert.instance,
        ...(alert.model === undefined ? {} : { model: alert.model }),
        consecutive_failures: alert.failures,
        ...retry(alert.retryIn)
      }
    case "key_out":
      return { instance: alert.instance, ...retry(alert.retryIn) }
    case "fallback_exhausted":
      return { model: alert.model, categories: alert.categories }
    case "budget_threshold":
      return {
        scope: alert.scope,
        period: alert.period,
        percent: alert.percent,
        spent_usd: Money.toUsd(alert.spent),
        limit_usd: Money.toUsd(alert.limit),
        ...(alert.refuses ? { reason: "refuses_calls" } : {}),
        ...(alert.resetsAt === undefined ? {} : { resets_at: new Date(alert.resetsAt).toISOString() })
      }
    case "price_unknown":
      return { instance: alert.instance, model: alert.model }
    case "store_trouble":
      return { store: alert.store, trouble: alert.trouble }
  }
}

const retry = (seconds: number | undefined) => (seconds === undefined ? {} : { retry_in_s: seconds })
