import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { ChatRequest } from "../../domain/ChatRequest.js"
import type { RequestRejected } from "../../domain/GatewayError.js"
import * as Extensions from "../Extensions.js"
import * as Json from "../Json.js"
import { anObject, maybe } from "../Members.js"
import * as Rejection from "../Rejection.js"

/** A string, several, or tokens: what exactly, the provider judges. */
const Input = Schema.Union(Schema.String, Schema.Array(Schema.Unknown)).annotations({
  message: () => ({ message: "Expected a string or an array", override: true })
})

const EmbeddingsFields = Schema.Struct({ ...Extensions.fields, input: Input, user: maybe(Schema.String) })

const CompletionsFields = Schema.Struct({
  ...Extensions.fields,
  prompt: maybe(Input),
  stream: maybe(Schema.Boolean),
  stream_options: maybe(Schema.Struct({ include_usage: maybe(Schema.Boolean) }).annotations(anObject)),
  max_tokens: maybe(Schema.Number),
  temperature: maybe(Schema.Number),
  user: maybe(Schema.String)
})

const readEmbeddings = Schema.decodeUnknownEither(EmbeddingsFields, { onExcessProperty: "ignore" })
const readCompletions = Schema.decodeUnknownEither(CompletionsFields, { onExcessProperty: "ignore" })

/** A request for embeddings. */
export const decodeEmbeddings = (body: Uint8Array, json: unknown): Either.Either<ChatRequest, RequestRejected> =>
  plain("openai-embeddings", readEmbeddings, body, json)

/** A request of the API before chats. */
export const decodeCompletions = (body: Uint8Array, json: unknown): Either.Either<ChatRequest, RequestRejected> =>
  plain("openai-completions", readCompletions, body, json)

type Fields = typeof EmbeddingsFields.Type | typeof CompletionsFields.Type

const plain = (
  dialect: ChatRequest["dialect"],
  readFields: (json: unknown) => ReturnType<typeof readEmbeddings> | ReturnType<typeof readCompletions>,
  body: Uint8Array,
  json: unknown
): Either.Either<ChatRequest, RequestRejected> => {
  if (!Json.isRecord(json)) return Either.left(Rejection.notAnObject)
  const read: Either.Either<Fields, unknown> = readFields(json)
  if (Either.isLeft(read)) return Either.left(Rejection.of(readFields, json))
  const fields = read.right
  const asked = Extensions.read(fields)
  if (asked === undefined) return Either.left(Rejection.noModel)
  return Either.right({
    dialect,
    body,
    view: json,
    prompt: undefined,
    headers: {},
    ...asked,
    stream: "stream" in fields ? (fields.stream ?? false) : false,
    includeUsage: "stream_options" in fields ? (fields.stream_options?.include_usage ?? false) : false,
    user: fields.user ?? undefined
  })
}
