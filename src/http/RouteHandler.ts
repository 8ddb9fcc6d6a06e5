import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { RequestRejected } from "../domain/GatewayError.js"
import * as Money from "../domain/Money.js"
import { total } from "../domain/Usage.js"
import type { ChatReply } from "../gateway/ChatReply.js"
import type { Gateway } from "../gateway/Gateway.js"
import * as AnswerText from "../protocol/AnswerText.js"
import * as RequestIn from "../protocol/openai/RequestIn.js"
import * as Rejection from "../protocol/Rejection.js"
import type { Timers } from "../provider/Timers.js"
import { AttemptLog } from "../routing/AttemptLog.js"
import * as Body from "./Body.js"
import { factsOf, withCacheControl } from "./ChatHandler.js"
import * as ErrorWire from "./ErrorWire.js"
import type { Handler } from "./Handler.js"
import type { HttpRefusal } from "./HttpRefusal.js"
import * as Replies from "./Replies.js"
import type { Inbound, WireReply } from "./WireReply.js"

/** A question by kind of task: the operator's `tasks` say which model answers. */
export const RoutePayload = Schema.Struct({
  prompt: Schema.NonEmptyString,
  /** A key of `tasks`; without one, or with an unknown one, `tasks.default`. */
  taskType: Schema.optional(Schema.NullOr(Schema.String)),
  /** Asked instead of the task's model. */
  model: Schema.optional(Schema.NullOr(Schema.NonEmptyString)),
  maxTokens: Schema.optional(Schema.NullOr(Schema.Int.pipe(Schema.positive()))),
  temperature: Schema.optional(Schema.NullOr(Schema.Number))
})

/** `POST /v1/route`. Never fails: an error is an answer too. */
export const route =
  (gateway: Gateway["Type"], timers: Timers, tasks: () => Readonly<Record<string, string>>): Handler =>
  (inbound, caller, body, answer) => {
    const decoded = Either.flatMap(Body.parseJson(body), (json) => toChat(json, tasks()))
    if (Either.isLeft(decoded)) return Replies.atOnce(Replies.refuse(inbound, decoded.left), answer)
    const request = withCacheControl(decoded.right, inbound)
    const log = new AttemptLog(timers.now, inbound.id)
    const start = gateway.startComplete(timers, request, caller, log)
    return Replies.follow({ start, inbound, request, log, reply: (reply) => routed(inbound, request, reply) }, answer)
  }

const decode = Schema.decodeUnknownEither(RoutePayload)

const toChat = (
  json: unknown,
  tasks: Readonly<Record<string, string>>
): Either.Either<ChatRequest, RequestRejected | HttpRefusal> =>
  decode(json).pipe(
    Either.mapLeft(() => Rejection.of(decode, json)),
    Either.flatMap((payload) =>
      RequestIn.makeRequest({
        model: payload.model ?? modelOf(payload.taskType ?? "default", tasks),
        messages: [{ role: "user", content: payload.prompt }],
        ...(payload.maxTokens ? { max_tokens: payload.maxTokens } : {}),
        ...(typeof payload.temperature === "number" ? { temperature: payload.temperature } : {})
      })
    )
  )

const modelOf = (task: string, tasks: Readonly<Record<string, string>>): string | undefined =>
  Object.hasOwn(tasks, task) ? tasks[task] : tasks["default"]

const routed = (inbound: Inbound, request: ChatRequest, reply: ChatReply): WireReply => {
  const { usage } = reply.answer
  return Replies.json(inbound, factsOf(request, reply, reply.attempts, usage, reply.cost), {
    content: AnswerText.textOf(reply.answer),
    provider: reply.provider,
    instance: reply.instance,
    model: reply.model,
    tokensUsed: usage === undefined ? null : total(usage),
    cost: reply.cost === undefined ? null : Money.toUsd(reply.cost),
    attempts: reply.attempts.map(ErrorWire.attemptJson),
    requestId: inbound.id
  })
}
