import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { join } from "node:path"
import { Alerts } from "../alerts/Alerts.js"
import * as AlertTables from "../alerts/AlertTables.js"
import { ResponseCache } from "../cache/ResponseCache.js"
import { Catalog } from "../catalog/Catalog.js"
import { CatalogEditor } from "../catalog/CatalogEditor.js"
import { CatalogRows } from "../catalog/CatalogRows.js"
import { CatalogStore } from "../catalog/CatalogStore.js"
import { ModelSync } from "../catalog/ModelSync.js"
import * as StoredCatalog from "../catalog/StoredCatalog.js"
import type { ConfigFileEncoded } from "../config/ConfigFile.js"
import type { LiveSettings } from "../config/LiveSettings.js"
import * as LoadSettings from "../config/LoadSettings.js"
import { CurrentSettings } from "../config/Settings.js"
import { Circuits } from "../health/Circuits.js"
import * as FirstChecks from "../health/FirstChecks.js"
import { Health } from "../health/Health.js"
import * as Probes from "../health/Probes.js"
import * as Retention from "../health/Retention.js"
import * as SharedHealth from "../health/SharedHealth.js"
import * as StoredEvents from "../health/StoredEvents.js"
import type { BudgetAlerts } from "../ledger/BudgetAlerts.js"
import type { BudgetEditor } from "../ledger/BudgetEditor.js"
import type { Budgets } from "../ledger/Budgets.js"
import type { BudgetStore } from "../ledger/BudgetStore.js"
import type { CostTracker } from "../ledger/CostTracker.js"
import * as LedgerTables from "../ledger/LedgerTables.js"
import { Pricing } from "../ledger/Pricing.js"
import type { RollupStore } from "../ledger/RollupStore.js"
import { Concurrency } from "../limits/Concurrency.js"
import { LearnedQuota } from "../limits/LearnedQuota.js"
import { RateLimiter } from "../limits/RateLimiter.js"
import { RateLimitStore } from "../limits/RateLimitStore.js"
import { Providers } from "../provider/Providers.js"
import { Simulator } from "../provider/Simulator.js"
import { Transport } from "../provider/Transport.js"
import { Planner } from "../routing/Planner.js"
import { Database } from "../store/Database.js"
import { Journal } from "../store/Journal.js"
import { Replay } from "../store/Replay.js"
import * as RequestTables from "../store/RequestTables.js"
import * as AlertSources from "./AlertSources.js"
import { Gateway } from "./Gateway.js"
import * as Ledger from "./Ledger.js"

const pricing = Layer.unwrapEffect(
  Effect.map(Catalog, ({ snapshot }) => Pricing.layerListed(({ id }, model) => snapshot().rows.own(id, model)))
)

/** Every gateway counts for itself. */
const limiter = Layer.provide(RateLimiter.layer, RateLimitStore.memory())

/** What plans are made of, on who keeps the catalogue. */
const planning = <R>(store: Layer.Layer<CatalogRows | CatalogStore, never, R>) =>
  Planner.layer.pipe(
    Layer.provideMerge(
      Layer.mergeAll(Concurrency.layer, Health.layer, LearnedQuota.layer, ResponseCache.layerInMemory, limiter, pricing)
    ),
    Layer.provideMerge(Layer.mergeAll(Circuits.layer, CatalogEditor.layer, ModelSync.layer)),
    Layer.provideMerge(store),
    Layer.provideMerge(Layer.merge(Catalog.layer, Providers.layer))
  )

type Money = BudgetAlerts | BudgetEditor | Budgets | BudgetStore | CostTracker | RollupStore

/** The whole gateway without a server and without a network. */
const on = <R, S, T>(
  store: Layer.Layer<CatalogRows | CatalogStore, never, R>,
  alerts: Layer.Layer<Alerts, never, LiveSettings | S>,
  ledger: Layer.Layer<Money, never, T>
) =>
  Layer.mergeAll(
    Gateway.layer,
    Probes.layer,
    FirstChecks.layer,
    AlertSources.circuits,
    AlertSources.budgets,
    AlertSources.prices,
    Ledger.hits
  ).pipe(Layer.provideMerge(Layer.merge(alerts, ledger)), Layer.provideMerge(planning(store)))

const network = Layer.merge(Transport.layer, Simulator.layer)

/** The whole gateway without a server and without a network. What is changed is so until it ends. */
export const layerNoTransport = on(
  Layer.merge(CatalogRows.layerMemory, CatalogStore.layerMemory),
  Alerts.layerMemory,
  Ledger.layerMemory
)

/** The whole gateway without a server, on `CurrentSettings`. */
export const layer = Layer.provideMerge(layerNoTransport, network)

/** What a command needs that looks into a database, or writes to it, while no gateway runs. Nobody is called by itself. */
export const layerCommand = Layer.provideMerge(planning(StoredCatalog.layer), network)

/** What goes through the journal, and how it gets into the tables. */
const replay = Replay.layer(
  new Map([...SharedHealth.appliers, ...RequestTables.appliers, ...LedgerTables.appliers, ...AlertTables.appliers]),
  LedgerTables.abandon
)

/** In the data directory, where there is a database to wait for. */
const journal = Layer.unwrapEffect(
  Effect.map(CurrentSettings, ({ store: { dataDir, database } }) =>
    database._tag === "None" ? Journal.none : Journal.layer({ directory: join(dataDir, "journal") })
  )
)

/** The same with a memory: what is known of health, requests and changes is in the database, which other replicas may share. */
export const layerStored = Layer.mergeAll(
  AlertSources.stores,
  SharedHealth.layer,
  Retention.layer,
  StoredCatalog.following,
  StoredEvents.layer,
  RequestTables.layer
).pipe(
  Layer.provideMerge(on(StoredCatalog.layer, Alerts.layerStored, Ledger.layerStored)),
  Layer.provideMerge(network),
  Layer.provideMerge(replay),
  Layer.provideMerge(journal),
  Layer.provideMerge(Database.layer)
)

/** A configuration in the form of the config file. */
export type Config = ConfigFileEncoded

/**
 * The whole gateway without a server, on a configuration in the form of the config file. Of `env` its `${VAR}`s are filled,
 * and keys in it make instances; nothing else is read. Fails with every problem of the configuration at once.
 */
export const layerConfig = (config: Config, env: Readonly<Record<string, string | undefined>> = {}) =>
  Layer.provide(layer, Layer.effect(CurrentSettings, LoadSettings.fromObject(config, env)))
