import * as Layer from "effect/Layer"
import { Catalog } from "../catalog/Catalog.js"
import { Health } from "../health/Health.js"
import { Pricing } from "../ledger/Pricing.js"
import { Providers } from "../provider/Providers.js"
import { Simulator } from "../provider/Simulator.js"
import { Transport } from "../provider/Transport.js"
import { Gateway } from "./Gateway.js"

/** The whole gateway without a server, on the settings of the process. */
export const layer = Gateway.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(Catalog.layer, Health.layer, Pricing.layer)),
  Layer.provideMerge(Providers.layer),
  Layer.provideMerge(Layer.mergeAll(Transport.layer, Simulator.layer))
)
