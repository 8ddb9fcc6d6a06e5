import type * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { randomUUID } from "node:crypto"
import type { InstanceSettings } from "../config/Settings.js"
import { dialectsOf } from "../config/Vendors.js"
import type { ChatAnswer } from "../domain/ChatAnswer.js"
import type { Dialect, FrontDialect } from "../domain/Dialect.js"
import type { ProviderError } from "../domain/ProviderError.js"
import type { Lost } from "../protocol/Lossiness.js"
import type { OngoingAnswer } from "../protocol/OngoingAnswer.js"
import * as Translation from "../protocol/Translation.js"
import * as Asking from "./Asking.js"
import { BufferedCall } from "./BufferedCall.js"
import * as Call from "./Call.js"
import * as Failures from "./Failures.js"
import * as ListCall from "./ListCall.js"
import type { ListedModel } from "./ModelFacts.js"
import * as ModelList from "./ModelList.js"
import { StreamCall, type ProviderStream } from "./StreamCall.js"
import type { Terms } from "./Terms.js"
import type { Transport } from "./Transport.js"
import { type Outgoing } from "./Transport.js"
import { authHeaders, realmOf, speaking, usualDialect, vendors, type Speaking } from "./Vendor.js"

/** One call to one model of an instance. */
export interface ProviderCall extends Asking.Asked, Terms {
  /** Override of the instance's base URL, already allowed. */
  readonly baseUrl: string | undefined
  /** Of a stream that others may go on with when it breaks. */
  readonly answer?: OngoingAnswer | undefined
}

/** A whole answer and the HTTP status that it came with. */
export interface ProviderAnswer {
  readonly answer: ChatAnswer
  readonly status: number
  /** What of the request the provider was not told. */
  readonly lost: ReadonlySet<Lost>
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
  /** Ids of the models that the instance offers, free of charge; `undefined` where the vendor lists none. */
  readonly listModels: Effect.Effect<ReadonlyArray<string>, ProviderError> | undefined
  /** All that the vendor says of its models, from every page; `undefined` where it lists none that could be asked for. */
  readonly listCatalogue: Effect.Effect<ReadonlyArray<ListedModel>, ProviderError> | undefined
}

/** Makes the provider of an instance on a transport. */
export const make = (instance: InstanceSettings, transport: Transport["Type"]): Provider => {
  const vendor = vendors[instance.provider]
  const base = address(instance.baseUrl ?? vendor.baseUrl ?? "")
  const realm = realmOf(instance)
  const common = { "user-agent": "orelse", "accept-encoding": "identity", accept: "application/json" }
  const usual = usualDialect(instance)
  const auth = { ...authHeaders(instance, usual), ...common }
  const accepts = { sse: "text/event-stream", ndjson: "application/x-ndjson" }

  const speaks = new Map(frontDialects.map((front) => [front, speaking(instance, front)]))

  /** The same object for all calls of a kind, unless the caller's headers go along. */
  const fixed = new Map<string, Readonly<Record<string, string>>>()
  const headersOf = (
    { request }: ProviderCall,
    dialect: Dialect,
    stream: boolean
  ): Readonly<Record<string, string>> => {
    const kind = stream ? `${dialect} stream` : dialect
    const known = fixed.get(kind) ?? {
      ...(dialect === usual ? auth : { ...authHeaders(instance, dialect), ...common }),
      ...Translation.dialectHeaders(dialect),
      "content-type": "application/json",
      accept: stream ? accepts[Translation.framing(dialect)] : "application/json"
    }
    fixed.set(kind, known)
    return dialect.startsWith("anthropic-") ? { ...known, ...Translation.headers(request, dialect) } : known
  }

  const outgoing = (call: ProviderCall, { dialect, endpoint }: Speaking, stream: boolean): Ready => {
    const { origin, prefix } = call.baseUrl === undefined ? base : address(call.baseUrl)
    const { body, lost } = Asking.encode(instance, call, dialect, stream)
    const path = endpoint(prefix, call.model, instance, stream)
    return { request: { origin, path, method: "POST", headers: headersOf(call, dialect, stream), body }, lost, dialect }
  }

  /** The request of a call; `undefined` when there can be none, which `done` was told. */
  const prepare = (call: ProviderCall, stream: boolean, fail: Failures.Fail, done: Refuse): Ready | undefined => {
    const spoken = speaks.get(call.request.dialect)
    if (spoken === undefined) {
      done(fail({ category: "invalid_request", message: "the provider does not offer this kind of request" }))
      return undefined
    }
    try {
      return outgoing(call, spoken, stream)
    } catch {
      const message =
        "the request cannot be written for the provider: it is nested too deeply, or no model has this name"
      done(fail({ category: "invalid_request", message, status: 400 }))
      return undefined
    }
  }

  const answeringOf = (call: ProviderCall): Translation.Answering => ({
    realm,
    model: call.model,
    created: Math.floor(call.timers.now() / 1000),
    hidesUsage: !vendor.quirks.usageUnasked && !call.request.includeUsage,
    fresh
  })

  const startComplete: Provider["startComplete"] = (call) => (done) => {
    const fail = Failures.from(instance, call.model)
    const ready = prepare(call, false, fail, (error) => done(Either.left(error)))
    if (ready === undefined) return () => {}
    const { dialect, lost, request } = ready
    const running = new BufferedCall(transport, request, instance.timeouts, call, fail, (result) => {
      if (Either.isLeft(result)) return done(Either.left(result.left))
      const { body, status } = result.right
      const answer = Failures.reading(
        () => Translation.decodeAnswer(call.request, dialect, body, () => answeringOf(call)),
        Either.left
      )
      done(
        Either.isRight(answer)
          ? Either.right({ answer: answer.right, status, lost })
          : Either.left(fail(Failures.within(answer.left, status)))
      )
    })
    return running.abort
  }

  const startStream: Provider["startStream"] = (call) => (done) => {
    const fail = Failures.from(instance, call.model)
    const ready = prepare(call, true, fail, (error) => done(Either.left(error)))
    if (ready === undefined) return () => {}
    const { dialect, lost, request } = ready
    const way = Translation.way(call.request, dialect, answeringOf(call), call.answer)
    return new StreamCall(transport, request, instance.timeouts, call, way, lost, fail, done).abort
  }

  const modelsPath = vendor.models?.(base.prefix, instance)
  // The list of models is the vendor's own, whatever dialect the instance chats in.
  const listDialect = dialectsOf(instance.provider)[0]
  const headers = { ...authHeaders(instance, listDialect), ...common, ...Translation.dialectHeaders(listDialect) }
  const listing =
    modelsPath === undefined ? undefined : { instance, transport, origin: base.origin, path: modelsPath, headers }
  return {
    instance,
    startComplete,
    startStream,
    complete: (call) => Call.toEffect(startComplete(call)),
    stream: (call) => Call.toEffect(startStream(call)),
    listModels: listing && ListCall.ids(listing),
    listCatalogue:
      listing === undefined || ModelList.unusable(instance.provider) !== undefined
        ? undefined
        : ListCall.catalogue(listing)
  }
}

/** A request as it goes out, and how its answer is read. */
interface Ready {
  readonly request: Outgoing
  readonly lost: ReadonlySet<Lost>
  readonly dialect: Dialect
}

const frontDialects: ReadonlyArray<FrontDialect> = [
  "openai-chat",
  "anthropic-messages",
  "openai-completions",
  "openai-embeddings",
  "anthropic-count-tokens"
]

type Refuse = (error: ProviderError) => void

/** An id that nobody else gives: for answers and tool calls that came without. */
const fresh = (prefix: string): string => prefix + randomUUID().replaceAll("-", "")

const address = (baseUrl: string): { readonly origin: string; readonly prefix: string } => {
  const url = new URL(baseUrl)
  return { origin: url.origin, prefix: url.pathname.replace(/\/+$/, "") }
}
