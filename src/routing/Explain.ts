import * as Either from "effect/Either"
import type { Snapshot } from "../catalog/Catalog.js"
import type { InstanceSettings, Strategy } from "../config/Settings.js"
import type { CatchRule } from "../domain/ErrorCategory.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { ModelNotServed, RequestRejected } from "../domain/GatewayError.js"
import type { MidStream } from "../domain/MidStream.js"
import * as Money from "../domain/Money.js"
import type { InstanceStatus, Status } from "../health/Status.js"
import * as PerMillion from "../ledger/PerMillion.js"
import type { Pricing } from "../ledger/Pricing.js"
import * as RequestIn from "../protocol/openai/RequestIn.js"
import { reasons } from "./Ailing.js"
import type { Candidate } from "./Candidate.js"
import * as MaxCost from "./MaxCost.js"
import * as Plan from "./Plan.js"
import type { Excluded } from "./Selection.js"

/** A plan as it is shown: who would be asked for a model now, in which order, and who would not and why. */
export interface Explanation {
  readonly model: string
  /** How peers are put in order. */
  readonly strategy: Strategy
  /** Different instances among the candidates. */
  readonly providers_available: number
  readonly failover_order: ReadonlyArray<Step>
  readonly excluded: ReadonlyArray<{
    readonly instance: string
    readonly provider_model_id: string
    readonly reason: Excluded["reason"]
    readonly detail: string
  }>
  /** What there is to say about it, in a sentence. */
  readonly recommendation: string
  /** Calls to providers that one request may cost. */
  readonly max_attempts: number
  /** What the tokens of one chat can cost at most, in USD as a decimal string; null is unknown. */
  readonly max_cost_usd: string | null
  readonly deadline_ms: number
  /** So long it waits for somebody to be free or well again, where nobody is. */
  readonly waits_ms: number
  /** What becomes of a stream that breaks after its first output. */
  readonly mid_stream: MidStream
}

/** What is known of a model of an instance. */
export interface Facts {
  /** Vendor slug. */
  readonly provider: string
  readonly instance: string
  readonly provider_model_id: string
  /** Null where nobody has looked. */
  readonly health: Status | null
  /** The median of its latest calls; null before the first. */
  readonly response_time_ms: number | null
  /** USD per million tokens as decimal strings; null is unknown. */
  readonly pricing: { readonly prompt: string; readonly completion: string } | null
}

/** One candidate of an explanation. */
export interface Step extends Facts {
  /** 1 is asked first. */
  readonly priority: number
  /** Which failures of the one before open this one; null: all but the caller's own. */
  readonly catch_errors: ReadonlyArray<CatchRule> | null
}

/** What is known apart from the configuration, and how a plan is made of it. */
export interface Knowledge {
  readonly snapshot: Snapshot
  readonly situation: (request: ChatRequest) => Plan.Situation
  readonly statusOf: (instance: InstanceSettings) => InstanceStatus | undefined
  readonly pricing: Pricing["Type"]
  /** Unix ms. */
  readonly now: number
}

/** The plan of a chat that names this model, as a request would get it now. Nobody is called. */
export const planOf = (
  model: string,
  { situation, snapshot }: Pick<Knowledge, "situation" | "snapshot">
): Either.Either<Plan.Plan, RequestRejected | ModelNotServed> =>
  RequestIn.makeRequest({ model, messages: [] }).pipe(
    Either.flatMap((request) => Plan.make(request, snapshot, situation(request)))
  )

/** Explains that plan. */
export const make = (
  model: string,
  knowledge: Knowledge
): Either.Either<Explanation, RequestRejected | ModelNotServed> =>
  Either.map(planOf(model, knowledge), (plan) => ({
    model,
    strategy: knowledge.snapshot.settings.routing.strategy,
    providers_available: instancesOf(plan).length,
    failover_order: plan.candidates.map((candidate, at) => stepOf(candidate, at, knowledge)),
    excluded: plan.excluded.map(({ detail, instance, model: id, reason }) => ({
      instance,
      provider_model_id: id,
      reason,
      detail
    })),
    recommendation: recommend(plan, limitOf(model, plan, knowledge)),
    max_attempts: plan.maxAttempts,
    max_cost_usd: inUsd(MaxCost.of(plan, knowledge.pricing, knowledge.now)),
    deadline_ms: plan.deadline,
    waits_ms: plan.patience,
    mid_stream: plan.midStream
  }))

const inUsd = (money: Money.Money | undefined): string | null => (money === undefined ? null : Money.toUsd(money))

/** The different instances that a plan asks, in its order. */
export const instancesOf = ({ candidates }: Plan.Plan): ReadonlyArray<string> => [
  ...new Set(candidates.map(({ instance }) => instance.id))
]

const stepOf = ({ catch: rules, instance, model }: Candidate, at: number, known: Knowledge): Step => ({
  priority: at + 1,
  catch_errors: rules ?? null,
  ...factsOf(instance, model, known)
})

/** What is known of a model of an instance, under the id that it has there. */
export const factsOf = (instance: InstanceSettings, model: string, { now, pricing, statusOf }: Knowledge): Facts => {
  const status = statusOf(instance)
  return {
    provider: instance.provider,
    instance: instance.id,
    provider_model_id: model,
    health: status?.status ?? null,
    response_time_ms: status?.latency_ms.p50 ?? null,
    pricing: priceOf(instance, model, pricing, now)
  }
}

const priceOf = (instance: InstanceSettings, model: string, pricing: Pricing["Type"], now: number): Step["pricing"] => {
  const prices = PerMillion.of(pricing, instance, model, now)
  return prices === undefined
    ? null
    : { prompt: Money.toUsd(prices.prompt), completion: Money.toUsd(prices.completion) }
}

/** The limit that is waited for, where nobody is there who may be asked at once. */
const limitOf = (model: string, { candidates: [first] }: Plan.Plan, { situation }: Knowledge): string | undefined => {
  const ailing = RequestIn.makeRequest({ model, messages: [] }).pipe(
    Either.map((request) => first && situation(request).ailment(first)),
    Either.getOrUndefined
  )
  return ailing?.reason === "limit_reached" ? ailing.detail : undefined
}

const recommend = (plan: Plan.Plan, limit: string | undefined): string => {
  const [first] = plan.candidates
  const others = instancesOf(plan).length - 1
  if (first === undefined) return "nobody can be asked"
  if (limit !== undefined) {
    return `nobody may be asked at once; ${first.instance.id} is waited for up to ${plan.patience} ms (${limit})`
  }
  if (plan.lastResort !== undefined) {
    return `nobody is well; ${first.instance.id} is the nearest to its recovery, and is asked as the last resort, as often as its retry budget allows`
  }
  const ill = plan.excluded.find(({ ahead, reason }) => ahead && reasons.has(reason))
  const start = ill === undefined ? "" : `${ill.instance} is left out (${ill.detail}); `
  if (others > 0) return `${start}${first.instance.id} is asked first, and ${others} more can take over`
  return plan.excluded.some(({ reason }) => reasons.has(reason))
    ? `${start}only ${first.instance.id} is left, and nobody can take over until another is well`
    : `only ${first.instance.id} serves it; a target at a second instance would let it fail over`
}
