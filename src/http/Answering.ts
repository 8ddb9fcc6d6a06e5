import * as Effect from "effect/Effect"
import { Catalog } from "../catalog/Catalog.js"
import { Gateway } from "../gateway/Gateway.js"
import * as Timers from "../provider/Timers.js"
import * as ChatHandler from "./ChatHandler.js"
import * as RouteHandler from "./RouteHandler.js"

/** The handlers that ask a provider, the same for both doors. */
export const make = Effect.gen(function* () {
  const gateway = yield* Gateway
  const catalog = yield* Catalog
  const timers = Timers.ofClock(yield* Effect.clock)
  return {
    chat: ChatHandler.chat(gateway, timers),
    route: RouteHandler.route(gateway, timers, () => catalog.snapshot().settings.tasks)
  }
})
