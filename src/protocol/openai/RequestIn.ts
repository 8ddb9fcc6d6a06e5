import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { ChatRequest } from "../../domain/ChatRequest.js"
import type { RequestRejected } from "../../domain/GatewayError.js"
import * as Extensions from "../Extensions.js"
import * as Json from "../Json.js"
import { anArray, anObject, maybe } from "../Members.js"
import * as Rejection from "../Rejection.js"
import * as PromptIn from "./PromptIn.js"

/** What the gateway itself reads of a request. Everything else is the provider's to judge. */
const RequestFields = Schema.Struct({
  ...Extensions.fields,
  messages: Schema.Array(Schema.Struct({ role: Schema.String }).annotations(anObject)).annotations(anArray),
  stream: maybe(Schema.Boolean),
  stream_options: maybe(Schema.Struct({ include_usage: maybe(Schema.Boolean) }).annotations(anObject)),
  max_tokens: maybe(Schema.Number),
  max_completion_tokens: maybe(Schema.Number),
  temperature: maybe(Schema.Number),
  user: maybe(Schema.String)
})

const readFields = Schema.decodeUnknownEither(RequestFields, { onExcessProperty: "ignore" })

/** A request from its bytes and their parsed JSON. */
export const decodeRequest = (body: Uint8Array, json: unknown): Either.Either<ChatRequest, RequestRejected> => {
  if (!Json.isRecord(json)) return Either.left(Rejection.notAnObject)
  const read = readFields(json)
  if (Either.isLeft(read)) return Either.left(Rejection.of(readFields, json))
  const fields = read.right
  const asked = Extensions.read(fields)
  if (asked === undefined) return Either.left(Rejection.noModel)
  return Either.right({
    dialect: "openai-chat",
    body,
    view: json,
    prompt: PromptIn.once(body),
    headers: noHeaders,
    ...asked,
    stream: fields.stream ?? false,
    includeUsage: fields.stream_options?.include_usage ?? false,
    user: fields.user ?? undefined
  })
}

const noHeaders: ChatRequest["headers"] = {}

/** A request that a program makes, in OpenAI's words. */
export const makeRequest = (json: Readonly<Record<string, unknown>>): Either.Either<ChatRequest, RequestRejected> =>
  decodeRequest(Buffer.from(JSON.stringify(json)), json)
