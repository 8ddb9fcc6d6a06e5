import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { CurrentSettings, type Settings } from "../../src/config/Settings.js"
import type { ChatRequest } from "../../src/domain/ChatRequest.js"
import * as Live from "../../src/gateway/Live.js"
import * as RequestIn from "../../src/protocol/openai/RequestIn.js"

/** The whole gateway on these settings. */
export const gateway = (settings: Settings) => Live.layer.pipe(Layer.provide(Layer.succeed(CurrentSettings, settings)))

/** A request for `m`, with whatever else a test needs. */
export const request = (fields: Readonly<Record<string, unknown>> = {}): ChatRequest =>
  Either.getOrThrow(RequestIn.makeRequest({ model: "m", messages: [{ role: "user", content: "hi" }], ...fields }))
