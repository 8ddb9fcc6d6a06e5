import * as Effect from "effect/Effect"
import { Catalog } from "../catalog/Catalog.js"
import { Gateway } from "../gateway/Gateway.js"
import type { Front } from "../protocol/Dialects.js"
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
  const sessionHeader = () => catalog.snapshot().settings.routing.sticky?.header
  const chat = (front: Front) => ChatHandler.make(front, gateway, timers, sessionHeader)
  return {
    "/v1/chat/completions": chat(fronts["openai-chat"]),
    "/v1/completions": chat(fronts["openai-completions"]),
    "/v1/embeddings": chat(fronts["openai-embeddings"]),
    "/v1/messages": chat(fronts["anthropic-messages"]),
    "/v1/messages/count_tokens": CountHandler.make(gateway, timers),
    "/v1/route": RouteHandler.route(gateway, timers, () => catalog.snapshot().settings.tasks)
  }
})
