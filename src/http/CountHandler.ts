import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { ErrorCategory } from "../domain/ErrorCategory.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { GatewayError } from "../domain/GatewayError.js"
import type { ChatReply } from "../gateway/ChatReply.js"
import type { Gateway } from "../gateway/Gateway.js"
import { fronts } from "../protocol/Fronts.js"
import * as TokenEstimate from "../protocol/TokenEstimate.js"
import type * as Call from "../provider/Call.js"
import type { Timers } from "../provider/Timers.js"
import { AttemptLog } from "../routing/AttemptLog.js"
import * as Body from "./Body.js"
import * as ChatHandler from "./ChatHandler.js"
import type { Handler } from "./Handler.js"
import * as Replies from "./Replies.js"
import type { WireReply } from "./WireReply.js"

/**
 * `POST /v1/messages/count_tokens`: a provider that can count does it, or else the gateway estimates, which the header
 * `x-orelse-estimated` says.
 */
export const make =
  (gateway: Gateway["Type"], timers: Timers): Handler =>
  (inbound, caller, body, answer) => {
    const decoded = Either.flatMap(Body.parseJson(body), (json) =>
      fronts["anthropic-count-tokens"].decodeRequest(body, json)
    )
    if (Either.isLeft(decoded)) return Replies.atOnce(Replies.refuse(inbound, decoded.left), answer)
    const request = ChatHandler.withHeaders(decoded.right, inbound)
    const log = new AttemptLog(timers.now, inbound.id)
    const start = orEstimate(gateway.startComplete(timers, request, caller, log), request)
    return Replies.follow(
      { start, inbound, request, log, reply: (count) => wire({ inbound, request, log }, count) },
      answer
    )
  }

/** A request, and the calls that were made for it. */
type Asking = Pick<Replies.Following<Count>, "inbound" | "log" | "request">

/** A provider's answer, or an estimate. */
type Count = ChatReply | number

const orEstimate =
  (start: Call.Start<ChatReply, GatewayError>, request: ChatRequest): Call.Start<Count, GatewayError> =>
  (goOn) =>
    start((outcome) =>
      goOn(
        Either.mapLeft(outcome, (rest) =>
          Effect.catchAll(rest, (error): Effect.Effect<Count, GatewayError> =>
            isCallers(error) ? Effect.fail(error) : TokenEstimate.ofRequest(request)
          )
        )
      )
    )

/** What an estimate would only hide. */
const isCallers = (error: GatewayError): boolean => {
  switch (error._tag) {
    case "ModelNotServed":
    case "LimitReached":
      return true
    case "RequestRejected":
      return error.code !== "unsupported_by_model"
    case "ProviderFailed":
      return callers.has(error.error.category)
    case "BudgetExceeded":
    case "BudgetUnavailable":
    case "CostUnbounded":
    case "FallbackExhausted":
    case "NobodyAvailable":
    case "DeadlineExceeded":
      return false
  }
}

const callers: ReadonlySet<ErrorCategory> = new Set(["invalid_request", "model_not_found", "context_length"])

const wire = ({ inbound, log, request }: Asking, count: Count): WireReply => {
  if (typeof count !== "number") return ChatHandler.buffered(inbound, request, count)
  const reply = Replies.json(inbound, { ...Replies.asked(request), attempts: log.view() }, { input_tokens: count })
  return { ...reply, headers: { ...reply.headers, "x-orelse-estimated": "true" } }
}
