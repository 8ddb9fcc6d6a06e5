import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { InstanceSettings } from "../config/Settings.js"
import type { ChatAnswer } from "../domain/ChatAnswer.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { ProviderError } from "../domain/ProviderError.js"
import * as OpenAiChat from "../protocol/OpenAiChat.js"
import { BufferedCall } from "./BufferedCall.js"
import * as Call from "./Call.js"
import * as Failures from "./Failures.js"
import { StreamCall, type ProviderStream } from "./StreamCall.js"
import * as Timers from "./Timers.js"
import type { Transport } from "./Transport.js"
import { type Outgoing } from "./Transport.js"
import { authHeaders, vendors } from "./Vendor.js"
import type { HardLimit } from "./Watchdog.js"

/** One call to one model of an instance. */
export interface ProviderCall {
  readonly request: ChatRequest
  /** The provider's own id. */
  readonly model: string
  /** Override of the instance's base URL, already allowed. */
  readonly baseUrl: string | undefined
  readonly maxTokens: number | undefined
  readonly temperature: number | undefined
  readonly timers: Timers.Timers
  readonly limit: HardLimit
}

/** A whole answer and the HTTP status that it came with. */
export interface ProviderAnswer {
  readonly answer: ChatAnswer
  readonly status: number
}

/** One account or endpoint of a vendor. */
export interface Provider {
  readonly instance: InstanceSettings
  /** The whole answer. Interruption closes the provider's socket. */
  readonly complete: (call: ProviderCall) => Effect.Effect<ProviderAnswer, ProviderError>
  /** Succeeds at the first semantic output; whoever gets the stream starts or aborts it. */
  readonly stream: (call: ProviderCall) => Effect.Effect<ProviderStream, ProviderError>
  /** `complete` and `stream` without a fiber. */
  readonly startComplete: (call: ProviderCall) => Call.Call<ProviderAnswer, ProviderError>
  readonly startStream: (call: ProviderCall) => Call.Call<ProviderStream, ProviderError>
  /** Ids of the models that the instance offers. Free of charge with every vendor. */
  readonly listModels: Effect.Effect<ReadonlyArray<string>, ProviderError>
}

/** Makes the provider of an instance on a transport. */
export const make = (instance: InstanceSettings, transport: Transport["Type"]): Provider => {
  const vendor = vendors[instance.provider]
  const base = endpoint(instance.baseUrl ?? vendor.baseUrl ?? "")
  const auth = { ...authHeaders(instance), "user-agent": "orelse", "accept-encoding": "identity" }
  const jsonHeaders = { ...auth, "content-type": "application/json", accept: "application/json" }
  const streamHeaders = { ...jsonHeaders, accept: "text/event-stream" }

  const outgoing = (call: ProviderCall, stream: boolean): Outgoing => {
    const { origin, prefix } = call.baseUrl === undefined ? base : endpoint(call.baseUrl)
    return {
      origin,
      path: prefix + vendor.chatPath(call.model, instance),
      method: "POST",
      headers: stream ? streamHeaders : jsonHeaders,
      body: OpenAiChat.encodeRequest(call.request, {
        model: vendor.modelName(call.model),
        stream,
        asksForUsage: vendor.asksForUsage,
        keepsPreferences: vendor.slug === "openrouter",
        maxTokens: call.maxTokens,
        temperature: call.temperature
      })
    }
  }

  const startComplete: Provider["startComplete"] = (call) => (done) => {
    const fail = Failures.from(instance, call.model)
    const running = new BufferedCall(transport, outgoing(call, false), instance.timeouts, call, fail, (result) => {
      if (Either.isLeft(result)) return done(Either.left(result.left))
      const { body, status } = result.right
      const answer = Failures.reading(() => OpenAiChat.decodeAnswer(body), Either.left)
      done(
        Either.isRight(answer)
          ? Either.right({ answer: answer.right, status })
          : Either.left(fail(Failures.within(answer.left, status)))
      )
    })
    return running.abort
  }

  const startStream: Provider["startStream"] = (call) => (done) => {
    const fail = Failures.from(instance, call.model)
    const hideUsage = vendor.asksForUsage && !call.request.includeUsage
    return new StreamCall(transport, outgoing(call, true), instance.timeouts, call, hideUsage, fail, done).abort
  }

  return {
    instance,
    startComplete,
    startStream,
    complete: (call) => Call.toEffect(startComplete(call)),
    stream: (call) => Call.toEffect(startStream(call)),
    listModels: Effect.clockWith((clock) =>
      Effect.async<ReadonlyArray<string>, ProviderError>((resume) => {
        const timers = Timers.ofClock(clock)
        const fail = Failures.from(instance, "")
        const request: Outgoing = {
          origin: base.origin,
          path: base.prefix + vendor.modelsPath(instance),
          method: "GET",
          headers: { ...auth, accept: "application/json" },
          body: undefined
        }
        const limit: HardLimit = { at: timers.now() + listTimeout, phase: "deadline" }
        const running = new BufferedCall(transport, request, instance.timeouts, { timers, limit }, fail, (result) =>
          resume(
            Either.isLeft(result)
              ? Effect.fail(result.left)
              : Effect.mapError(modelIds(result.right.body), (message) =>
                  fail({ category: "malformed_response", message, status: result.right.status })
                )
          )
        )
        return Effect.sync(running.abort)
      })
    )
  }
}

/** A check that takes longer than this has failed. */
const listTimeout = 5_000

const endpoint = (baseUrl: string): { readonly origin: string; readonly prefix: string } => {
  const url = new URL(baseUrl)
  return { origin: url.origin, prefix: url.pathname.replace(/\/+$/, "") }
}

const modelIds = (body: Buffer): Effect.Effect<ReadonlyArray<string>, string> =>
  Effect.try({
    try: () => {
      const list: unknown = JSON.parse(body.toString("utf8"))
      const data: unknown = typeof list === "object" && list !== null && "data" in list ? list.data : list
      if (!Array.isArray(data)) return []
      return data.flatMap((model: unknown) =>
        typeof model === "object" && model !== null && "id" in model && typeof model.id === "string" ? [model.id] : []
      )
    },
    catch: () => "the provider's list of models is not JSON"
  })
