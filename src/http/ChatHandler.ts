import * as Either from "effect/Either"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { ChatReply, ChatReplyStream, ServedBy } from "../gateway/ChatReply.js"
import type { Gateway } from "../gateway/Gateway.js"
import * as OpenAiChat from "../protocol/OpenAiChat.js"
import type { Timers } from "../provider/Timers.js"
import { AttemptLog } from "../routing/AttemptLog.js"
import * as Body from "./Body.js"
import * as ErrorWire from "./ErrorWire.js"
import * as ReplyHeaders from "./ReplyHeaders.js"
import type { Handler } from "./Handler.js"
import * as Replies from "./Replies.js"
import type { Facts, Inbound, StreamBody, WireReply } from "./WireReply.js"

/** `POST /v1/chat/completions`. Never fails: an error is an answer too. */
export const chat =
  (gateway: Gateway["Type"], timers: Timers): Handler =>
  (inbound, caller, body, answer) => {
    const decoded = Either.flatMap(Body.parseJson(body), (json) => OpenAiChat.decodeRequest(body, json))
    if (Either.isLeft(decoded)) return Replies.atOnce(Replies.refuse(inbound, decoded.left), answer)
    const request = decoded.right
    const log = new AttemptLog(timers.now)
    return request.stream
      ? Replies.follow(
          gateway.startOpen(timers, request, caller, log),
          inbound,
          request,
          log,
          (opened) => streamed(inbound, request, opened),
          answer
        )
      : Replies.follow(
          gateway.startComplete(timers, request, caller, log),
          inbound,
          request,
          log,
          (whole) => buffered(inbound, request, whole),
          answer
        )
  }

const buffered = (inbound: Inbound, request: ChatRequest, reply: ChatReply): WireReply => {
  const facts = factsOf(request, reply, reply.attempts, reply.answer.usage, reply.cost)
  const headers = ReplyHeaders.make(inbound, facts)
  headers["content-type"] = "application/json"
  const { body } = reply.answer
  return {
    status: 200,
    headers,
    body: Replies.wantsTrace(inbound) ? OpenAiChat.withMember(body, "orelse", traceOf(facts)) : body,
    facts
  }
}

const streamed = (inbound: Inbound, request: ChatRequest, reply: ChatReplyStream): WireReply => {
  const facts = factsOf(request, reply, reply.attempts(), undefined, undefined)
  const headers = ReplyHeaders.make(inbound, facts)
  headers["content-type"] = "text/event-stream; charset=utf-8"
  headers["cache-control"] = "no-cache"
  // Or nginx in front would collect the stream.
  headers["x-accel-buffering"] = "no"
  return { status: 200, headers, body: streamBody(reply, facts, Replies.wantsTrace(inbound)), facts }
}

const streamBody = (reply: ChatReplyStream, facts: Facts, trace: boolean): StreamBody => ({
  start: (sink) =>
    reply.start({
      onFrames: sink.write,
      onEnd: ({ attempts, cost, error, usage }) => {
        const ended: Facts = { ...facts, attempts, cost, usage, failure: error?.category }
        if (trace) sink.write([OpenAiChat.memberFrame("orelse", traceOf(ended), reply.model, unixSeconds())])
        sink.write([error === undefined ? OpenAiChat.done : OpenAiChat.errorFrame(ErrorWire.ofBrokenStream(error))])
        sink.end(ended)
      }
    }),
  pause: reply.pause,
  resume: reply.resume,
  cancel: () => {
    const { attempts, cost, usage } = reply.cancel()
    return { ...facts, attempts, cost, usage, failure: "cancelled" }
  }
})

const factsOf = (
  request: ChatRequest,
  served: ServedBy,
  attempts: Facts["attempts"],
  usage: Facts["usage"],
  cost: Facts["cost"]
): Facts => ({
  asked: request.model,
  provider: served.provider,
  instance: served.instance,
  model: served.model,
  stream: request.stream,
  attempts,
  fallback: served.fallback,
  usage,
  cost,
  failure: undefined
})

const traceOf = (facts: Facts): object => ({ attempts: facts.attempts.map(ErrorWire.attemptJson) })

const unixSeconds = (): number => Math.floor(Date.now() / 1000)
