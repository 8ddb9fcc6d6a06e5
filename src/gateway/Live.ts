import * as Layer from "effect/Layer"
import { Catalog } from "../catalog/Catalog.js"
import { CatalogEditor } from "../catalog/CatalogEditor.js"
import { CatalogStore } from "../catalog/CatalogStore.js"
import type { ConfigFileEncoded } from "../config/ConfigFile.js"
import * as LoadSettings from "../config/LoadSettings.js"
import { CurrentSettings } from "../config/Settings.js"
import { Circuits } from "../health/Circuits.js"
import * as FirstChecks from "../health/FirstChecks.js"
import { Health } from "../health/Health.js"
import * as Probes from "../health/Probes.js"
import { Pricing } from "../ledger/Pricing.js"
import { Concurrency } from "../limits/Concurrency.js"
import { LearnedQuota } from "../limits/LearnedQuota.js"
import { Providers } from "../provider/Providers.js"
import { Simulator } from "../provider/Simulator.js"
import { Transport } from "../provider/Transport.js"
import { Planner } from "../routing/Planner.js"
import { Gateway } from "./Gateway.js"

/** The whole gateway without a server and without a network. */
export const layerNoTransport = Layer.mergeAll(Gateway.layer, Probes.layer, FirstChecks.layer).pipe(
  Layer.provideMerge(Planner.layer),
  Layer.provideMerge(Layer.mergeAll(Concurrency.layer, Health.layer, LearnedQuota.layer, Pricing.layer)),
  Layer.provideMerge(Layer.merge(Circuits.layer, CatalogEditor.layer)),
  Layer.provideMerge(Layer.mergeAll(Catalog.layer, CatalogStore.layerMemory, Providers.layer))
)

/** The whole gateway without a server, on `CurrentSettings`. */
export const layer = Layer.provideMerge(layerNoTransport, Layer.mergeAll(Transport.layer, Simulator.layer))

/** A configuration in the form of the config file. */
export type Config = ConfigFileEncoded

/**
 * The whole gateway without a server, on a configuration in the form of the config file. Of `env` its `${VAR}`s are filled,
 * and keys in it make instances; nothing else is read. Fails with every problem of the configuration at once.
 */
export const layerConfig = (config: Config, env: Readonly<Record<string, string | undefined>> = {}) =>
  Layer.provide(layer, Layer.effect(CurrentSettings, LoadSettings.fromObject(config, env)))
