import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { ChatRequest } from "../domain/ChatRequest.js"
import { attemptsOf, type GatewayError } from "../domain/GatewayError.js"
import type { Front } from "../protocol/Dialects.js"
import { fronts } from "../protocol/Fronts.js"
import * as Call from "../provider/Call.js"
import type { AttemptLog } from "../routing/AttemptLog.js"
import * as ErrorWire from "./ErrorWire.js"
import type { Answer, Handling } from "./Handler.js"
import * as HttpRefusal from "./HttpRefusal.js"
import * as QuotaHeaders from "./QuotaHeaders.js"
import * as ReplyHeaders from "./ReplyHeaders.js"
import { header, isAnthropic, noFacts, type Facts, type Inbound, type WireReply } from "./WireReply.js"

/** An error as an answer. */
export const refuse = (
  inbound: Inbound,
  error: GatewayError | HttpRefusal.HttpRefusal,
  request?: ChatRequest
): WireReply => {
  const wired = ErrorWire.make(error, wantsTrace(inbound))
  const attempts = error._tag === "HttpRefusal" ? [] : attemptsOf(error)
  const facts: Facts = {
    ...ofAttempts(request === undefined ? noFacts : asked(request), attempts),
    failure: error._tag === "ProviderFailed" ? error.error.category : (wired.error.code ?? wired.error.type)
  }
  return {
    status: wired.error.status,
    headers: { ...ReplyHeaders.make(inbound, facts), ...wired.headers, "content-type": "application/json" },
    body: frontOf(inbound).errorBody({ ...wired.error, requestId: inbound.id }),
    facts
  }
}

/** The frame that ends a broken stream. */
export const errorFrame = (inbound: Inbound, error: ErrorWire.WireError["error"]): Buffer =>
  frontOf(inbound).errorFrame({ ...error, requestId: inbound.id })

/** Errors have the shape of the dialect that was called, also where nobody looked into the request. */
const frontOf = (inbound: Inbound): Front => fronts[isAnthropic(inbound) ? "anthropic-messages" : "openai-chat"]

/** A request on its way to its answer. */
export interface Following<A> {
  readonly start: Call.Start<A, GatewayError>
  readonly inbound: Inbound
  readonly request: ChatRequest
  readonly log: AttemptLog
  readonly reply: (value: A) => WireReply
}

/**
 * What the gateway gives, or its failure, as an answer. A defect is logged whole and shown as nothing but a 500; an
 * interruption passes.
 */
export const follow = <A>({ inbound, log, reply, request, start }: Following<A>, answer: Answer): Handling => {
  const told = (made: WireReply): WireReply => QuotaHeaders.tell(made, inbound, log.quota, log.now())
  const orError = Effect.matchCauseEffect({
    onSuccess: (value: A) => Effect.sync(() => told(reply(value))),
    onFailure: (cause: Cause.Cause<GatewayError>) => Effect.map(ofCause(cause, inbound, request), told)
  })
  const goOn = (outcome: Call.Outcome<A, GatewayError>): void => {
    if (Either.isLeft(outcome)) return answer(Either.left(orError(outcome.left)))
    const made = Call.guard(() => told(reply(outcome.right)))
    answer(Either.mapLeft(made, (defect) => Effect.catchAllCause(defect, (cause) => ofCause(cause, inbound, request))))
  }
  return { cancel: start(goOn), facts: () => ofAttempts(asked(request), log.view()) }
}

/** Nothing had to be asked for this answer. */
export const atOnce = (reply: WireReply, answer: Answer): Handling => {
  answer(Either.right(reply))
  return { cancel: () => {}, facts: () => reply.facts }
}

/** A defect: logged whole, shown as nothing but a 500. */
export const ofDefect = (defect: unknown, inbound: Inbound, request?: ChatRequest): Effect.Effect<WireReply> =>
  Effect.logError("a request ended in a defect", Cause.die(defect)).pipe(
    Effect.annotateLogs({ request: inbound.id }),
    Effect.as(refuse(inbound, HttpRefusal.internal, request))
  )

const ofCause = (
  cause: Cause.Cause<GatewayError>,
  inbound: Inbound,
  request: ChatRequest
): Effect.Effect<WireReply> => {
  const error = Cause.failureOrCause(cause)
  if (Either.isLeft(error)) return Effect.succeed(refuse(inbound, error.left, request))
  if (Cause.isInterruptedOnly(error.right)) return Effect.failCause(error.right)
  return ofDefect(Cause.squash(error.right), inbound, request)
}

/** A JSON answer that the gateway makes itself. */
export const json = (inbound: Inbound, facts: Facts, body: unknown): WireReply => ({
  status: 200,
  headers: { ...ReplyHeaders.make(inbound, facts), "content-type": "application/json" },
  body: Buffer.from(JSON.stringify(body)),
  facts
})

/** What the calls tell that were made, though none of them served. */
const ofAttempts = (facts: Facts, attempts: Facts["attempts"]): Facts => {
  const last = attempts.at(-1)
  return {
    ...facts,
    provider: last?.provider,
    instance: last?.instance,
    model: last?.model,
    attempts,
    fallback: new Set(attempts.map(({ instance, model }) => `${instance}\n${model}`)).size > 1
  }
}

/** What is known of a request before anybody was asked. */
export const asked = (request: ChatRequest): Facts => ({
  ...noFacts,
  asked: request.model,
  user: request.user,
  stream: request.stream
})

export const wantsTrace = (inbound: Inbound): boolean => header(inbound, "x-orelse-trace") === "1"
