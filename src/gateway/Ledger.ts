import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ResponseCache } from "../cache/ResponseCache.js"
import { Catalog } from "../catalog/Catalog.js"
import { CurrentSettings } from "../config/Settings.js"
import { Budgets } from "../ledger/Budgets.js"
import { BudgetAlerts } from "../ledger/BudgetAlerts.js"
import { BudgetEditor } from "../ledger/BudgetEditor.js"
import { BudgetStore } from "../ledger/BudgetStore.js"
import { CostTracker } from "../ledger/CostTracker.js"
import { rollupsOf } from "../ledger/Rollup.js"
import { RollupStore } from "../ledger/RollupStore.js"
import * as Timers from "../provider/Timers.js"

/** Sums up what is spent, where nobody else does. */
const summing = Layer.scopedDiscard(
  Effect.gen(function* () {
    const costs = yield* CostTracker
    const { add } = yield* RollupStore
    if (add === undefined) return
    yield* Effect.acquireRelease(
      Effect.sync(() => costs.listen((entry) => add(rollupsOf(entry)))),
      (end) => Effect.sync(end)
    )
  })
)

/** Answers out of the cache are in the ledger too: they cost nothing, and have saved something. */
export const hits: Layer.Layer<never, never, Catalog | CostTracker | ResponseCache> = Layer.effectDiscard(
  Effect.gen(function* () {
    const costs = yield* CostTracker
    const cache = yield* ResponseCache
    const { snapshot } = yield* Catalog
    const { now } = Timers.ofClock(yield* Effect.clock)
    cache.listen(({ caller, id, instance, model, provider, request, saved, usage }) =>
      costs.hit({
        requestId: id,
        caller,
        asked: snapshot().nameOf(request.model),
        instance: { id: instance, provider },
        model,
        stream: request.stream,
        at: now(),
        ms: 0,
        usage,
        saved
      })
    )
  })
)

/** Costs and budgets of this gateway alone, as long as it runs. */
export const layerMemory = Layer.merge(BudgetEditor.layerMemory, BudgetAlerts.layerMemory).pipe(
  Layer.provideMerge(Budgets.layer),
  Layer.provideMerge(BudgetStore.layerMemory),
  Layer.provideMerge(summing),
  Layer.provideMerge(Layer.merge(CostTracker.layerMemory, RollupStore.layerMemory))
)

/** In the tables, without anything that goes on by itself. */
export const layerTold = BudgetEditor.layerTables.pipe(
  Layer.provideMerge(Budgets.layer),
  Layer.provideMerge(BudgetStore.layerTables),
  Layer.provideMerge(Layer.merge(CostTracker.layer, RollupStore.layerTables))
)

const layerTables = Layer.provideMerge(Layer.merge(BudgetEditor.following, BudgetAlerts.layerTables), layerTold)

/** The same in the database, where there is one. */
export const layerStored = Layer.unwrapEffect(
  Effect.map(CurrentSettings, ({ store }) => (store.database._tag === "None" ? layerMemory : layerTables))
)
