import * as Either from "effect/Either"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { ChatReply, ChatReplyStream, ServedBy } from "../gateway/ChatReply.js"
import type { Gateway } from "../gateway/Gateway.js"
import type { Front } from "../protocol/Dialects.js"
import * as JsonSplice from "../protocol/JsonSplice.js"
import type { Timers } from "../provider/Timers.js"
import { AttemptLog } from "../routing/AttemptLog.js"
import * as Body from "./Body.js"
import * as ErrorWire from "./ErrorWire.js"
import * as ReplyHeaders from "./ReplyHeaders.js"
import type { Handler } from "./Handler.js"
import * as Replies from "./Replies.js"
import { header, type Facts, type Inbound, type StreamBody, type WireReply } from "./WireReply.js"

/** A route that takes requests in one dialect and answers in it. Never fails: an error is an answer too. */
export const make =
  (front: Front, gateway: Gateway["Type"], timers: Timers, sessionHeader: () => string | undefined): Handler =>
  (inbound, caller, body, answer) => {
    const decoded = Either.flatMap(Body.parseJson(body), (json) => front.decodeRequest(body, json))
    if (Either.isLeft(decoded)) return Replies.atOnce(Replies.refuse(inbound, decoded.left), answer)
    const request = inSession(withHeaders(decoded.right, inbound), inbound, sessionHeader())
    const log = new AttemptLog(timers.now, inbound.id)
    const following = { inbound, request, log }
    return request.stream
      ? Replies.follow(
          {
            ...following,
            start: gateway.startOpen(timers, request, caller, log),
            reply: (opened) => streamed(front, inbound, request, opened)
          },
          answer
        )
      : Replies.follow(
          {
            ...following,
            start: gateway.startComplete(timers, request, caller, log),
            reply: (whole) => buffered(inbound, request, whole)
          },
          answer
        )
  }

/** Anthropic's clients ask for features of the API by headers. */
export const withHeaders = (request: ChatRequest, inbound: Inbound): ChatRequest => {
  if (!request.dialect.startsWith("anthropic-")) return request
  const headers: Record<string, string> = {}
  for (const name of ["anthropic-version", "anthropic-beta"]) {
    const value = header(inbound, name)
    if (value !== undefined && /^[\x20-\x7e]{1,1024}$/.test(value)) headers[name] = value
  }
  return { ...request, headers }
}

/** The operator may have chosen a header that names a session. */
const inSession = (request: ChatRequest, inbound: Inbound, name: string | undefined): ChatRequest => {
  const session = name === undefined ? undefined : header(inbound, name)
  return session === undefined ? request : { ...request, session }
}

/** A whole answer. */
export const buffered = (inbound: Inbound, request: ChatRequest, reply: ChatReply): WireReply => {
  const facts = factsOf(request, reply, reply.attempts, reply.answer.usage, reply.cost)
  const headers = ReplyHeaders.make(inbound, facts)
  headers["content-type"] = "application/json"
  const { body } = reply.answer
  return {
    status: 200,
    headers,
    body: Replies.wantsTrace(inbound) ? JsonSplice.append(body, "orelse", JSON.stringify(traceOf(facts))) : body,
    facts
  }
}

const streamed = (front: Front, inbound: Inbound, request: ChatRequest, reply: ChatReplyStream): WireReply => {
  const facts = factsOf(request, reply, reply.attempts(), undefined, undefined)
  const headers = ReplyHeaders.make(inbound, facts)
  headers["content-type"] = "text/event-stream; charset=utf-8"
  headers["cache-control"] = "no-cache"
  // Or nginx in front would collect the stream.
  headers["x-accel-buffering"] = "no"
  return { status: 200, headers, body: streamBody(front, inbound, reply, facts), facts }
}

const streamBody = (front: Front, inbound: Inbound, reply: ChatReplyStream, facts: Facts): StreamBody => ({
  start: (sink) =>
    reply.start({
      onFrames: sink.write,
      onEnd: ({ attempts, cost, error, served, usage }) => {
        const ended: Facts = { ...facts, ...served, attempts, cost, usage, failure: error?.category }
        if (Replies.wantsTrace(inbound)) {
          sink.write([front.memberFrame("orelse", traceOf(ended), reply.model, unixSeconds())])
        }
        const end = error === undefined ? front.end : Replies.errorFrame(inbound, ErrorWire.ofBrokenStream(error))
        sink.write([end])
        sink.end(ended)
      }
    }),
  pause: reply.pause,
  resume: reply.resume,
  cancel: () => {
    const { attempts, cost, served, usage } = reply.cancel()
    return { ...facts, ...served, attempts, cost, usage, failure: "cancelled" }
  }
})

/** What is told of an answer in its headers and in the log. */
export const factsOf = (
  request: ChatRequest,
  served: ServedBy,
  attempts: Facts["attempts"],
  usage: Facts["usage"],
  cost: Facts["cost"]
): Facts => ({
  asked: request.model,
  user: request.user,
  provider: served.provider,
  instance: served.instance,
  model: served.model,
  stream: request.stream,
  attempts,
  fallback: served.fallback,
  dropped: served.dropped,
  usage,
  cost,
  failure: undefined
})

const traceOf = (facts: Facts): object => ({ attempts: facts.attempts.map(ErrorWire.attemptJson) })

const unixSeconds = (): number => Math.floor(Date.now() / 1000)
