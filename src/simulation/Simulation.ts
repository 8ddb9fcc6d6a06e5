import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Runtime from "effect/Runtime"
import { Catalog } from "../catalog/Catalog.js"
import { CurrentSettings } from "../config/Settings.js"
import { Gateway } from "../gateway/Gateway.js"
import * as Live from "../gateway/Live.js"
import { Circuits } from "../health/Circuits.js"
import { Budgets } from "../ledger/Budgets.js"
import { BudgetStore } from "../ledger/BudgetStore.js"
import { CostTracker } from "../ledger/CostTracker.js"
import type { LedgerEntry } from "../ledger/LedgerEntry.js"
import { Health } from "../health/Health.js"
import type { HealthEvent } from "../health/Permit.js"
import { Concurrency } from "../limits/Concurrency.js"
import * as RequestIn from "../protocol/openai/RequestIn.js"
import { Simulator } from "../provider/Simulator.js"
import { Transport } from "../provider/Transport.js"
import * as Arrivals from "./Arrivals.js"
import * as Behaviour from "./Behaviour.js"
import type { Bill } from "./Bill.js"
import { Chance } from "./Chance.js"
import type { Compared } from "./Compared.js"
import type { Scenario } from "./Scenario.js"
import * as Callers from "./Callers.js"
import { VirtualTime } from "./VirtualTime.js"

/** Is told what happens, in the order of the simulated time. */
export interface Observer {
  readonly ended: (ended: Callers.Ended) => void
  /** `at` is in ms from the start. */
  readonly circuit: (event: HealthEvent, at: number) => void
  readonly money?: MoneyObserver
}

/** Is told of money: what the gateway writes down, and what the providers do. */
export interface MoneyObserver {
  /** A row of the ledger, and the hard budgets that it was taken out of. */
  readonly charged: (entry: LedgerEntry, budgets: ReadonlyArray<string>) => void
  readonly billed: (bill: Bill) => void
  /** Before anything happens. */
  readonly opened?: (books: Books) => void
  /** When all is over and nobody asks any more. */
  readonly atRest?: Effect.Effect<void>
}

/** The gateway's own, to look into. `now` is Unix ms. */
export interface Books {
  readonly budgets: Budgets["Type"]
  readonly store: BudgetStore["Type"]
  readonly now: () => number
}

/** What is there still when all is over; each number should be 0. */
export interface Left {
  readonly fibers: number
  readonly timers: number
  /** Calls that have neither ended nor been given up. */
  readonly exchanges: number
  /** Instances that let nobody in, because a trial of their half-open circuits never gave back its place. */
  readonly trials: number
  /** Places at instances that were not given back. */
  readonly places: number
  /** Budgets that keep something for calls. */
  readonly reserved: number
}

/** Runs the real gateway through a scenario with one of its configurations, on a time of its own. */
export const run = (scenario: Scenario, { settings }: Compared, observer: Observer): Effect.Effect<Left> => {
  const epoch = someDay + scenario.start
  const time = new VirtualTime(epoch)
  const sinceStart = (): number => time.timers.now() - epoch
  const { money } = observer
  const layer = Live.layerNoTransport.pipe(
    Layer.provideMerge(Layer.merge(noTransport, Simulator.layerOn(time.soon))),
    Layer.provide(Layer.succeed(CurrentSettings, { ...settings, alerts: { ...settings.alerts, webhooks: [] } }))
  )
  const { maxTokens, model, patience } = scenario.requests
  const main = Effect.gen(function* () {
    const circuits = yield* Circuits
    const simulator = yield* Simulator
    for (const instance of settings.instances) {
      const behaviour = Behaviour.make(instance, scenario.behaviours[instance.id], {
        events: scenario.timeline.filter((event) => event.instance === instance.id),
        chance: new Chance(scenario.seed, `instance ${instance.id}`),
        now: sinceStart,
        billed: money?.billed ?? (() => {})
      })
      yield* simulator.behave(instance.id, behaviour.reply, behaviour.over)
    }
    circuits.listen((event) => observer.circuit(event, event.at - epoch))
    const budgets = yield* Budgets
    const drawnOn = new Set<string>()
    const { listen } = yield* CostTracker
    listen((entry, scopes) => {
      for (const scope of scopes) drawnOn.add(scope)
      money?.charged(entry, scopes)
    })
    money?.opened?.({ budgets, store: yield* BudgetStore, now: time.timers.now })
    const health = yield* Health
    if (settings.health.checkOnStart) yield* Effect.forkScoped(health.checkAll)
    const fibers = yield* Callers.run(Arrivals.make(scenario), {
      gateway: yield* Gateway,
      timers: time.timers,
      runtime: Runtime.updateContext(yield* Effect.runtime<never>(), () => Context.empty()),
      requestOf: (arrival, number) =>
        Either.getOrThrow(RequestIn.makeRequest(Behaviour.body(model, arrival, { maxTokens, number }))),
      patience,
      ended: observer.ended
    })
    yield* Effect.sleep(farewell)
    if (money?.atRest !== undefined) yield* money.atRest
    const later = time.timers.now() + longestOpen
    const { snapshot } = yield* Catalog
    const { busy } = yield* Concurrency
    const candidates = snapshot().resolve(model)
    // Asked when the gateway is shut, which ends the check that may be under way.
    return Effect.map(simulator.underWay, (exchanges) => ({
      fibers: fibers(),
      exchanges,
      trials: candidates.filter((each) => circuits.ailment(each.instance, each.model, later)?.reason === "half_open")
        .length,
      places: settings.instances.reduce((sum, { id }) => sum + busy(id), 0),
      reserved: [...drawnOn].filter((scope) => budgets.reserved(scope) !== 0n).length
    }))
  }).pipe(Effect.scoped, Effect.provide(layer), Effect.flatten, Logger.withMinimumLogLevel(LogLevel.None))
  return Effect.map(time.run(main, `gateway ${scenario.seed}`), (left) => ({ ...left, timers: time.waiting }))
}

/** Some day; nothing depends on it. */
const someDay = Date.UTC(2026, 0, 1)

/** In which whoever has said everything closes its connection. */
const farewell = "5 seconds"

/** No circuit stays open for longer by itself, in ms. */
const longestOpen = 48 * 3_600_000

/** Every instance is simulated. */
const noTransport = Layer.succeed(Transport, {
  exchange: () => {
    throw new Error("a simulation calls nobody")
  }
})
