import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import type * as Stream from "effect/Stream"
import { local, type Caller } from "../domain/Caller.js"
import type { StreamEvent } from "../domain/ChatEvent.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { GatewayError } from "../domain/GatewayError.js"
import type { ProviderError } from "../domain/ProviderError.js"
import { Alerts } from "../alerts/Alerts.js"
import { ResponseCache } from "../cache/ResponseCache.js"
import { LiveSettings } from "../config/LiveSettings.js"
import { Catalog } from "../catalog/Catalog.js"
import { Circuits } from "../health/Circuits.js"
import { BudgetAlerts } from "../ledger/BudgetAlerts.js"
import { Budgets } from "../ledger/Budgets.js"
import { CostTracker } from "../ledger/CostTracker.js"
import { Pricing } from "../ledger/Pricing.js"
import * as CallerLimits from "../limits/CallerLimits.js"
import { Concurrency } from "../limits/Concurrency.js"
import { RateLimiter } from "../limits/RateLimiter.js"
import * as OngoingAnswer from "../protocol/OngoingAnswer.js"
import * as Call from "../provider/Call.js"
import type { Provider, ProviderCall } from "../provider/Provider.js"
import { Providers } from "../provider/Providers.js"
import * as Timers from "../provider/Timers.js"
import { AttemptLog } from "../routing/AttemptLog.js"
import * as FallbackChain from "../routing/FallbackChain.js"
import { Planner } from "../routing/Planner.js"
import type { CallTo } from "../routing/Calls.js"
import * as AlertSources from "./AlertSources.js"
import * as Cached from "./Cached.js"
import { RequestAdmission } from "./Admission.js"
import * as CallerAdmission from "./CallerAdmission.js"
import type { Starter } from "./CallerAdmission.js"
import { Books } from "./Books.js"
import type { ChatReply, ChatReplyStream } from "./ChatReply.js"
import * as ContinuedStream from "./ContinuedStream.js"
import type { Onward } from "./ContinuedStream.js"
import * as EventStream from "./EventStream.js"
import * as Paid from "./Paid.js"
import * as Settlement from "./Settlement.js"

/** The gateway: asks for an answer, gets it from whoever can give it. The one service that a program needs. */
export class Gateway extends Context.Tag("orelse/Gateway")<
  Gateway,
  {
    /** The whole answer. Interruption closes the provider's socket. */
    readonly complete: (request: ChatRequest, caller?: Caller) => Effect.Effect<ChatReply, GatewayError>
    /** The answer as events. It asks a provider when it is run, so an unread stream holds nothing. */
    readonly stream: (request: ChatRequest, caller?: Caller) => Stream.Stream<StreamEvent, GatewayError>
    /**
     * The answer as bytes in the request's own dialect, from its first semantic output on. Who gets the stream starts
     * or cancels it.
     */
    readonly open: (request: ChatRequest, caller?: Caller) => Effect.Effect<ChatReplyStream, GatewayError>
    /** `complete` and `open` for a server that pays for no fiber as long as the first call succeeds. */
    readonly startComplete: Starter<ChatReply>
    readonly startOpen: Starter<ChatReplyStream>
  }
>() {
  static readonly layer: Layer.Layer<
    Gateway,
    never,
    Alerts | Catalog | Circuits | Concurrency | Limits | Money | Planner | Providers | ResponseCache
  > = Layer.effect(
    Gateway,
    Effect.gen(function* () {
      const alerts = yield* Alerts
      const cache = yield* ResponseCache
      const { current } = yield* LiveSettings
      const limiter = yield* RateLimiter
      const limits = CallerLimits.live(() => current().rateLimits)
      const circuits = yield* Circuits
      const concurrency = yield* Concurrency
      const planner = yield* Planner
      const pricing = yield* Pricing
      const { snapshot } = yield* Catalog
      const budgets = AlertSources.refusing(yield* Budgets, yield* BudgetAlerts)
      const desk = { budgets, costs: yield* CostTracker, pricing }
      const providers = yield* Providers
      const runtime = yield* Effect.runtime<never>()

      /** Plans the request and runs its chain; each call is one candidate's `complete` or `stream`. */
      const starter =
        <A, B>(
          callOf: (provider: Provider, call: ProviderCall) => Call.Call<A, ProviderError>,
          settle: (run: Settlement.Run<A>, prices: Pricing["Type"], onward: Onward<A> | undefined) => B
        ): Starter<B> =>
        (timers, request, caller, log = new AttemptLog(timers.now)) =>
        (goOn) => {
          const books = new Books(desk, request, caller, snapshot().nameOf(request.model), log.id, timers)
          const unpaid = desk.budgets.areHard() ? books.unpaid : undefined
          const plan = planner.plan(request, caller, timers.now(), unpaid)
          if (Either.isLeft(plan)) {
            goOn(Either.left(Effect.fail(plan.left)))
            return () => {}
          }
          const admission = new RequestAdmission(circuits, concurrency, timers, request, limiter, caller, books)
          const asking =
            (asked: ChatRequest, answerOf: () => OngoingAnswer.OngoingAnswer | undefined): CallTo<A> =>
            (candidate, limit, entry) => {
              const { baseUrl, instance, maxTokens, model, temperature } = candidate
              const call = {
                request: asked,
                model,
                baseUrl,
                maxTokens,
                temperature,
                timers,
                limit,
                onSent: entry.sent,
                onLimits: planner.started(asked, candidate),
                answer: answerOf()
              }
              return callOf(providers.of(instance), call)
            }
          const continues = plan.right.midStream === "continue" && OngoingAnswer.possible(request)
          const onward = continues ? { plan: plan.right, log, timers, admission, request, asking, runtime } : undefined
          const start = FallbackChain.run(
            plan.right,
            log,
            timers,
            admission,
            asking(request, continues ? anAnswer : noAnswer),
            (served) => {
              planner.served(request, caller, served.candidate, timers.now())
              return settle({ served, log, timers, dialect: request.dialect }, pricing, onward)
            }
          )
          const paid = Paid.start(start, { plan: plan.right, books, budgets: desk.budgets, log })
          return paid(AlertSources.watched(alerts, request.model, goOn))
        }

      const caching = { cache, snapshot, runtime }
      const startComplete = CallerAdmission.within(
        limiter,
        limits,
        Cached.whole(
          starter((provider, call) => provider.startComplete(call), Settlement.buffered),
          caching
        ),
        CallerAdmission.buffered
      )
      const startOpen = CallerAdmission.within(
        limiter,
        limits,
        Cached.streamed(
          starter((provider, call) => provider.startStream(call), ContinuedStream.streamed),
          caching
        ),
        CallerAdmission.streamed
      )

      const open = whole(startOpen)
      return Gateway.of({
        complete: whole(startComplete),
        open,
        stream: (request, caller) => EventStream.make(open(request, caller), request.dialect),
        startComplete,
        startOpen
      })
    })
  )
}

/** What callers are held to. */
type Limits = LiveSettings | RateLimiter

/** What calls cost, and who pays. */
type Money = BudgetAlerts | Budgets | CostTracker | Pricing

/** A call of a stream that others may go on with has an answer of its own until it is the one that speaks. */
const anAnswer = (): OngoingAnswer.OngoingAnswer => new OngoingAnswer.OngoingAnswer()
const noAnswer = (): undefined => undefined

/** On the clock of whoever runs it. */
const whole =
  <B>(start: Starter<B>) =>
  (request: ChatRequest, caller: Caller = local): Effect.Effect<B, GatewayError> =>
    Effect.clockWith((clock) => Call.run(start(Timers.ofClock(clock), request, caller)))
