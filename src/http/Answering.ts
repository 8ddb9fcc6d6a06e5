import * as Effect from "effect/Effect"
import { Catalog } from "../catalog/Catalog.js"
import { Gateway } from "../gateway/Gateway.js"
import { fronts } from "../protocol/Fronts.js"
import * as Timers from "../provider/Timers.js"
import * as ChatHandler from "./ChatHandler.js"
import * as CountHandler from "./CountHandler.js"
import * as RouteHandler from "./RouteHandler.js"

/** The handlers that ask a provider, by path, the same for both doors. All are POST. */
export const make = Effect.gen(function* () {
  const gateway = yield* Gateway
  const catalog = yield* Catalog
  const timers = Timers.ofClock(yield* Effect.clock)
  return {
    "/v1/chat/completions": ChatHandler.make(fronts["openai-chat"], gateway, timers),
    "/v1/completions": ChatHandler.make(fronts["openai-completions"], gateway, timers),
    "/v1/embeddings": ChatHandler.make(fronts["openai-embeddings"], gateway, timers),
    "/v1/messages": ChatHandler.make(fronts["anthropic-messages"], gateway, timers),
    "/v1/messages/count_tokens": CountHandler.make(gateway, timers),
    "/v1/route": RouteHandler.route(gateway, timers, () => catalog.snapshot().settings.tasks)
  }
})
