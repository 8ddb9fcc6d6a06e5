import * as Schema from "effect/Schema"
import type { ChatRequest, FallbackRequest } from "../domain/ChatRequest.js"
import { CatchRule } from "../domain/ErrorCategory.js"
import { MidStream } from "../domain/MidStream.js"
import { anArray, anObject, maxCandidates, maybe, tooMany } from "./Members.js"
import * as PreferencesIn from "./PreferencesIn.js"

/** Names of models end up in headers, log lines and the catalogue's memory; no vendor's is nearly that long. */
const ModelName = Schema.String.pipe(Schema.maxLength(256))

/** Without a message of its own each member of the union would be named alone. */
const Category = CatchRule.annotations({
  message: () => ({ message: `Expected one of ${CatchRule.literals.join(", ")}`, override: true })
})

const Fallback = Schema.Struct({
  enabled: maybe(Schema.Boolean),
  max_retries_per_provider: maybe(Schema.NonNegativeInt),
  providers: maybe(
    Schema.Array(
      Schema.Struct({
        provider: Schema.NonEmptyString,
        model_name: ModelName.pipe(Schema.nonEmptyString()),
        base_url: maybe(Schema.String),
        max_tokens: maybe(Schema.Positive.pipe(Schema.int())),
        temperature: maybe(Schema.Number),
        catch_errors: maybe(Schema.Array(Category).annotations(anArray))
      }).annotations(anObject)
    )
      .annotations(anArray)
      .pipe(Schema.maxItems(maxCandidates, { message: () => tooMany }))
  )
}).annotations(anObject)

/** Members that mean the same in every dialect that callers write, most of them the gateway's own. */
export const fields = {
  provider: maybe(PreferencesIn.fields),
  model: Schema.optional(ModelName),
  models: maybe(
    Schema.Array(ModelName.pipe(Schema.nonEmptyString()))
      .annotations(anArray)
      .pipe(Schema.maxItems(maxCandidates, { message: () => tooMany }))
  ),
  fallback: maybe(Fallback),
  require: maybe(
    Schema.Literal("lossless").annotations({ message: () => ({ message: 'Expected "lossless"', override: true }) })
  ),
  mid_stream: maybe(
    MidStream.annotations({ message: () => ({ message: 'Expected "never" or "continue"', override: true }) })
  )
}

const Fields = Schema.Struct(fields)

/** Members that are taken out of what is forwarded. OpenRouter's `provider` is one for every other vendor. */
export const own = ["fallback", "mid_stream", "models", "provider", "require"]

/** What the extensions say; `undefined` when no model is named. */
export const read = (
  request: typeof Fields.Type
):
  | Pick<ChatRequest, "fallback" | "lossless" | "midStream" | "model" | "models" | "preferences" | "session">
  | undefined => {
  const models = request.models ?? []
  const model = request.model ?? models[0]
  if (model === undefined || model === "") return undefined
  return {
    model,
    models: request.model === undefined ? models.slice(1) : models,
    lossless: request.require === "lossless" || request.provider?.require_parameters === true,
    midStream: request.mid_stream ?? undefined,
    preferences: PreferencesIn.read(request.provider),
    session: undefined,
    fallback: fallbackOf(request.fallback)
  }
}

const fallbackOf = (fallback: typeof Fallback.Type | null | undefined): FallbackRequest | undefined =>
  fallback === undefined || fallback === null
    ? undefined
    : {
        enabled: fallback.enabled ?? true,
        maxRetriesPerProvider: fallback.max_retries_per_provider ?? undefined,
        providers: (fallback.providers ?? []).map((entry) => ({
          provider: entry.provider,
          modelName: entry.model_name,
          baseUrl: entry.base_url ?? undefined,
          maxTokens: entry.max_tokens ?? undefined,
          temperature: entry.temperature ?? undefined,
          catchErrors: entry.catch_errors ?? undefined
        }))
      }
