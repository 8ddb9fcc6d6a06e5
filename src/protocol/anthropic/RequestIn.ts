import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { ChatRequest } from "../../domain/ChatRequest.js"
import type { RequestRejected } from "../../domain/GatewayError.js"
import * as Extensions from "../Extensions.js"
import * as Json from "../Json.js"
import { anArray, anObject, maybe } from "../Members.js"
import * as Rejection from "../Rejection.js"
import * as PromptIn from "./PromptIn.js"

/** What the gateway itself reads of a request to count. */
const countFields = {
  ...Extensions.fields,
  messages: Schema.Array(Schema.Struct({ role: Schema.String }).annotations(anObject)).annotations(anArray)
}

/** What the gateway itself reads of a request. Everything else is the provider's to judge. */
const RequestFields = Schema.Struct({
  ...countFields,
  max_tokens: Schema.Positive.pipe(Schema.int()),
  stream: maybe(Schema.Boolean),
  temperature: maybe(Schema.Number),
  metadata: maybe(Schema.Struct({ user_id: maybe(Schema.String) }).annotations(anObject))
})

const readFields = Schema.decodeUnknownEither(RequestFields, { onExcessProperty: "ignore" })
const readCountFields = Schema.decodeUnknownEither(Schema.Struct(countFields), { onExcessProperty: "ignore" })

/** A request from its bytes and their parsed JSON. */
export const decodeRequest = (body: Uint8Array, json: unknown): Either.Either<ChatRequest, RequestRejected> => {
  if (!Json.isRecord(json)) return Either.left(Rejection.notAnObject)
  const read = readFields(json)
  if (Either.isLeft(read)) return Either.left(Rejection.of(readFields, json))
  const { metadata, stream, ...fields } = read.right
  const asked = Extensions.read(fields)
  if (asked === undefined) return Either.left(Rejection.noModel)
  return Either.right({
    dialect: "anthropic-messages",
    body,
    view: json,
    prompt: PromptIn.once(body),
    headers: {},
    ...asked,
    stream: stream ?? false,
    includeUsage: true,
    user: metadata?.user_id ?? undefined
  })
}

/** A request to count the tokens of a message before it is sent. */
export const decodeCountRequest = (body: Uint8Array, json: unknown): Either.Either<ChatRequest, RequestRejected> => {
  if (!Json.isRecord(json)) return Either.left(Rejection.notAnObject)
  const read = readCountFields(json)
  if (Either.isLeft(read)) return Either.left(Rejection.of(readCountFields, json))
  const asked = Extensions.read(read.right)
  if (asked === undefined) return Either.left(Rejection.noModel)
  return Either.right({
    dialect: "anthropic-count-tokens",
    body,
    view: json,
    prompt: PromptIn.once(body),
    headers: {},
    ...asked,
    stream: false,
    includeUsage: false,
    user: undefined
  })
}

/** A request that a program makes, in Anthropic's words. */
export const makeRequest = (json: Readonly<Record<string, unknown>>): Either.Either<ChatRequest, RequestRejected> =>
  decodeRequest(Buffer.from(JSON.stringify(json)), json)
