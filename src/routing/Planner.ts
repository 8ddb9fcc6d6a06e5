import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { PCGRandom } from "effect/Utils"
import { Catalog } from "../catalog/Catalog.js"
import { local, type Caller } from "../domain/Caller.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { ModelNotServed, RequestRejected } from "../domain/GatewayError.js"
import { Circuits } from "../health/Circuits.js"
import { Health } from "../health/Health.js"
import * as Status from "../health/Status.js"
import { Pricing } from "../ledger/Pricing.js"
import type { Refusal } from "../ledger/Purse.js"
import type { Subject } from "../ledger/Subject.js"
import { Concurrency } from "../limits/Concurrency.js"
import { LearnedQuota, type Learn } from "../limits/LearnedQuota.js"
import { RateLimiter } from "../limits/RateLimiter.js"
import * as Timers from "../provider/Timers.js"
import * as Ailing from "./Ailing.js"
import type { Candidate } from "./Candidate.js"
import type * as Explain from "./Explain.js"
import * as Plan from "./Plan.js"
import { Ranking } from "./Ranking.js"
import { Sessions } from "./Sessions.js"

/** Makes the plan of a request from all that is known at this moment. */
export class Planner extends Context.Tag("orelse/Planner")<
  Planner,
  {
    /** The plan of a request that is to be served now; `now` is Unix ms. `unpaid`: why no budget pays for a candidate. */
    readonly plan: (
      request: ChatRequest,
      caller: Caller,
      now: number,
      unpaid?: (candidate: Candidate) => Refusal | undefined
    ) => Either.Either<Plan.Plan, RequestRejected | ModelNotServed>
    /** A candidate is called. What is returned takes what its answer says of its limits. */
    readonly started: (request: ChatRequest, candidate: Candidate) => Learn | undefined
    /** A candidate has answered a request. */
    readonly served: (request: ChatRequest, caller: Caller, candidate: Candidate, now: number) => void
    /** What is known, for explanations: nobody's turn is over by them. `unpaid`: what budgets have refused. */
    readonly knowledge: (now: number, unpaid?: (subject: Subject) => Refusal | undefined) => Explain.Knowledge
  }
>() {
  static readonly layer: Layer.Layer<
    Planner,
    never,
    Catalog | Circuits | Concurrency | Health | LearnedQuota | Pricing | RateLimiter
  > = Layer.effect(
    Planner,
    Effect.gen(function* () {
      const catalog = yield* Catalog
      const circuits = yield* Circuits
      const concurrency = yield* Concurrency
      const health = yield* Health
      const pricing = yield* Pricing
      const quotas = yield* LearnedQuota
      const limiter = yield* RateLimiter
      const { now: clockNow } = Timers.ofClock(yield* Effect.clock)
      // One seed from Effect's own chance, then a generator that needs no fiber.
      const random = yield* Effect.random
      const generator = new PCGRandom(yield* random.nextInt)
      const ranking = new Ranking({
        pricing,
        pace: ({ instance, model }, streamed) => circuits.pace(instance, model, streamed),
        degraded: circuits.degraded,
        busy: ({ instance }) => concurrency.busy(instance.id),
        chance: () => generator.number(),
        sessions: new Sessions(clockNow)
      })
      const situation = (request: ChatRequest, caller: Caller, now: number, preview: boolean): Plan.Situation => ({
        now,
        ailment: Ailing.of(circuits, health, quotas, limiter, now, request),
        arrange: ranking.arrangeFor({ request, caller, snapshot: catalog.snapshot(), now, preview }),
        prices: (candidate) => ranking.prices(candidate, now)
      })
      const of = (request: ChatRequest, unpaid: (subject: Subject) => Refusal | undefined) => {
        const model = catalog.snapshot().nameOf(request.model)
        return ({ instance }: Candidate) => unpaid({ caller: local, model, instance })
      }
      return {
        plan: (request, caller, now, unpaid) =>
          Plan.make(request, catalog.snapshot(), paid(situation(request, caller, now, false), unpaid)),
        started: (request, { instance, model }) => quotas.start(instance, model, request),
        served: (request, caller, candidate, now) =>
          ranking.served({ request, caller, snapshot: catalog.snapshot(), now, preview: false }, candidate),
        knowledge: (now, unpaid) => ({
          snapshot: catalog.snapshot(),
          situation: (request) => paid(situation(request, local, now, true), unpaid && of(request, unpaid)),
          statusOf: (instance) => Status.of(instance, circuits.of(instance, now), health.latest(instance, now)),
          pricing,
          now
        })
      }
    })
  )
}

const paid = (
  situation: Plan.Situation,
  unpaid: ((candidate: Candidate) => Refusal | undefined) | undefined
): Plan.Situation => {
  if (unpaid === undefined) return situation
  const ailment = (candidate: Candidate): Ailing.Ailing | undefined => {
    const ailing = situation.ailment(candidate)
    const refusal = ailing === undefined || Ailing.isSoft(ailing) ? unpaid(candidate) : undefined
    return refusal === undefined ? ailing : Ailing.unpaid(refusal)
  }
  return { ...situation, ailment }
}
