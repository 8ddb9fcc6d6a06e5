import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { IncomingMessage } from "node:http"
import { LiveSettings } from "../config/LiveSettings.js"
import { CurrentSettings } from "../config/Settings.js"
import * as Caller from "../domain/Caller.js"
import type { GatewayError } from "../domain/GatewayError.js"
import * as PushStream from "../gateway/PushStream.js"
import * as Call from "../provider/Call.js"
import { RequestLog } from "../store/RequestLog.js"
import * as AccessLog from "./AccessLog.js"
import * as Guard from "./Guard.js"
import * as HttpRefusal from "./HttpRefusal.js"
import * as Inbounds from "./Inbounds.js"
import * as NodeBody from "./NodeBody.js"
import type { Handler, Handling } from "./Handler.js"
import { Readiness } from "./Readiness.js"
import * as Replies from "./Replies.js"
import * as ReplyHeaders from "./ReplyHeaders.js"
import * as RequestRows from "./RequestRows.js"
import * as RouteTable from "./RouteTable.js"
import { noFacts, type Facts, type Inbound, type StreamBody, type WireReply } from "./WireReply.js"

/** The request that a handler of the HttpApi is called for. */
interface Visit {
  readonly inbound: Inbound
  readonly caller: Caller.Caller
  readonly bodyLimit: number
  /** `asker`: of a request that asks a provider. */
  readonly log: (status: number, facts: Facts, asker?: Caller.Caller) => void
}

/** Set by the middleware around every handler. */
class CurrentVisit extends Context.Reference<CurrentVisit>()("orelse/CurrentVisit", {
  defaultValue: (): Visit => ({
    inbound: Inbounds.naming()("GET", "/", {}),
    caller: Caller.local,
    bodyLimit: 0,
    log: () => {}
  })
}) {}

type Answer = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  never,
  HttpServerRequest.HttpServerRequest | Scope.Scope
>

/** A handler that reads the body itself, as the HttpApi's `handleRaw` wants it. */
export const answer = (handler: Handler): Answer =>
  Effect.gen(function* () {
    const visit = asking(yield* CurrentVisit)
    const body = yield* readBody(visit.bodyLimit)
    if (body instanceof HttpRefusal.HttpRefusal)
      return yield* respondBeforeEnd(visit, Replies.refuse(visit.inbound, body))
    let handling: Handling | undefined
    const started = Call.run<WireReply, never>((goOn) => {
      handling = handler(visit.inbound, visit.caller, body, goOn)
      return handling.cancel
    })
    const reply = yield* Effect.onInterrupt(started, () =>
      Effect.sync(() => visit.log(AccessLog.hungUp, { ...(handling?.facts() ?? noFacts), failure: "cancelled" }))
    )
    if (!(reply.body instanceof Uint8Array)) yield* cancelUnstarted(visit, reply.body)
    return respond(visit, reply)
  })

const asking = (visit: Visit): Visit => ({ ...visit, log: (status, facts) => visit.log(status, facts, visit.caller) })

/** The body of a request that a handler reads itself. */
export const wholeBody = Effect.flatMap(CurrentVisit, ({ bodyLimit }) => readBody(bodyLimit))

/** An error as an answer. */
export const refuse = (
  error: GatewayError | HttpRefusal.HttpRefusal
): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.map(CurrentVisit, (visit) => respond(visit, Replies.refuse(visit.inbound, error)))

/** An error as an answer to a request whose body was not read to its end. */
export const refuseBeforeEnd = (error: HttpRefusal.HttpRefusal) =>
  Effect.flatMap(CurrentVisit, (visit) => respondBeforeEnd(visit, Replies.refuse(visit.inbound, error)))

/** Around every route: who may come in, and whatever went wrong in OpenAI's shape. */
export const guarded = HttpApiBuilder.middleware(
  Effect.gen(function* () {
    const { server } = yield* CurrentSettings
    const { current } = yield* LiveSettings
    const readiness = yield* Readiness
    const accessLog = yield* AccessLog.AccessLog
    const requests = yield* RequestLog
    const guard = Guard.make(server)
    const inboundOf = Inbounds.naming()
    return (app) =>
      Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
        const inbound = inboundOf(request.method, request.url, request.headers)
        const path = Guard.pathOf(request.url)
        const log = once((status: number, facts: Facts, asker?: Caller.Caller) => {
          const line = AccessLog.line(inbound, path, status, facts)
          accessLog.write(line)
          if (asker !== undefined) requests.write(RequestRows.make(line, inbound, asker, facts))
        })
        const visit: Visit = { inbound, caller: Caller.local, bodyLimit: current().server.bodyLimit, log }
        const caller = readiness.draining() && !Guard.isOpen(path) ? HttpRefusal.draining : guard(inbound)
        if (caller instanceof HttpRefusal.HttpRefusal) {
          return Effect.succeed(respond(visit, Replies.refuse(inbound, caller)))
        }
        return app.pipe(
          Effect.map((response) =>
            HttpServerResponse.setHeaders(response, { ...ReplyHeaders.make(inbound, noFacts), ...response.headers })
          ),
          Effect.catchAllCause((cause) =>
            Cause.isInterruptedOnly(cause)
              ? Effect.failCause(cause)
              : Effect.map(refusalOf(cause, inbound, path), (error) => respond(visit, Replies.refuse(inbound, error)))
          ),
          Effect.tap((response) =>
            // Answers log themselves when they are done; probes are not worth a line.
            Effect.sync(() => {
              if (response.body._tag !== "Stream" && !Guard.isOpen(path)) log(response.status, noFacts)
            })
          ),
          Effect.provideService(CurrentVisit, { ...visit, caller })
        )
      })
  })
)

const respond = (visit: Visit, { body, facts, headers, status }: WireReply): HttpServerResponse.HttpServerResponse => {
  if (body instanceof Uint8Array) {
    visit.log(status, facts)
    return HttpServerResponse.uint8Array(body, { status, headers, contentType: headers["content-type"] ?? json })
  }
  const frames = PushStream.make<Uint8Array, never>(
    Effect.succeed((emit) => {
      body.start({
        write: emit.items,
        end: (ended) => {
          visit.log(status, ended)
          emit.end()
        }
      })
      return { pause: body.pause, resume: body.resume, cancel: () => visit.log(AccessLog.hungUp, body.cancel()) }
    })
  )
  return HttpServerResponse.stream(frames, { status, headers, contentType: headers["content-type"] ?? json })
}

const json = "application/json"

/** The client may still be sending: it gets the answer now, and the connection is closed when it is done. */
const respondBeforeEnd = (
  visit: Visit,
  { body, facts, headers, status }: WireReply
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest> =>
  Effect.map(HttpServerRequest.HttpServerRequest, ({ source }) => {
    visit.log(status, facts)
    const bytes = body instanceof Uint8Array ? body : new Uint8Array()
    const sent = source instanceof IncomingMessage ? NodeBody.ended(source) : Effect.void
    return HttpServerResponse.stream(Stream.concat(Stream.make(bytes), Stream.drain(sent)), {
      status,
      headers: { ...headers, connection: "close" },
      contentType: headers["content-type"] ?? json,
      contentLength: bytes.byteLength
    })
  })

/** The client may be gone before the first byte is asked for; then nobody else gives the connection back. */
const cancelUnstarted = (visit: Visit, body: StreamBody): Effect.Effect<void, never, Scope.Scope> =>
  Effect.addFinalizer(() => Effect.sync(() => visit.log(AccessLog.hungUp, body.cancel())))

const readBody = (
  limit: number
): Effect.Effect<Buffer | HttpRefusal.HttpRefusal, never, HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
    const { source } = request
    if (source instanceof IncomingMessage) {
      return Effect.async<Buffer | HttpRefusal.HttpRefusal>((resume) =>
        NodeBody.read(source, limit, (body) => resume(Effect.succeed(body)))
      )
    }
    if (Number(request.headers["content-length"] ?? 0) > limit) return Effect.succeed(HttpRefusal.bodyTooLarge(limit))
    return request.arrayBuffer.pipe(
      Effect.map((body) => (body.byteLength > limit ? HttpRefusal.bodyTooLarge(limit) : Buffer.from(body))),
      Effect.catchAll(() => Effect.succeed(HttpRefusal.malformedJson("the body could not be read")))
    )
  })

/** What a failed route says; a defect is logged whole and shown as nothing but a 500. */
const refusalOf = (
  cause: Cause.Cause<unknown>,
  inbound: Inbound,
  path: string
): Effect.Effect<HttpRefusal.HttpRefusal> => {
  const error = Cause.squash(cause)
  if (isTagged(error, "RouteNotFound")) {
    const allowed = RouteTable.methodsOf(path)
    return Effect.succeed(
      allowed.length === 0 || allowed.includes(inbound.method)
        ? HttpRefusal.noSuchRoute(inbound.method, path)
        : HttpRefusal.methodNotAllowed(inbound.method, allowed)
    )
  }
  if (isTagged(error, "HttpApiDecodeError")) {
    return Effect.succeed(HttpRefusal.wrongType("the request does not have the form that this route takes", "body"))
  }
  return Effect.logError("a request ended in a defect", cause).pipe(
    Effect.annotateLogs({ request: inbound.id }),
    Effect.as(HttpRefusal.internal)
  )
}

const isTagged = (error: unknown, tag: string): boolean =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === tag

const once = <A extends ReadonlyArray<unknown>>(f: (...args: A) => void): ((...args: A) => void) => {
  let called = false
  return (...args) => {
    if (!called) f(...args)
    called = true
  }
}
