import * as Either from "effect/Either"
import type { ErrorCategory } from "../../src/domain/ErrorCategory.js"
import type { Case } from "../recorded/cases.js"
import { endingOf, said, sameCalls, type Said } from "../recorded/said.js"
import type { Heard, Reader } from "./Client.js"

/** What a client made of a case: `undefined` when it is what the recording says, or else what is wrong. */
export const verdict = (reader: Reader, recorded: Case, heard: Either.Either<Heard, unknown>): string | undefined => {
  if (recorded.category !== undefined) return ofError(reader, recorded.category, recorded, heard)
  return Either.isLeft(heard) ? `refused: ${sentence(heard.left)}` : ofAnswer(said(recorded), heard.right)
}

/** Status of each category where the provider is to blame; the caller's own faults have the provider's. */
export const statusOf = (category: ErrorCategory, { status }: Case): number =>
  statuses[category] ?? ([400, 404, 413, 422].includes(status) ? status : category === "model_not_found" ? 404 : 400)

const statuses: Readonly<Partial<Record<ErrorCategory, number>>> = {
  rate_limit: 429,
  auth: 502,
  provider_unavailable: 503,
  provider_quota_exceeded: 503,
  timeout: 504,
  network: 502,
  malformed_response: 502
}

const ofAnswer = (expected: Said, { calls, finish, text }: Heard): string | undefined => {
  const { aside } = expected
  if (![expected.text, expected.text + aside, aside + expected.text].includes(text)) return `text: ${shown(text)}`
  if (!sameCalls(calls, expected.calls)) return `calls: ${shown(calls)}`
  const ending = expected.ending === "none" && finish === undefined ? "none" : endingOf(finish)
  return endings(expected).includes(ending) ? undefined : `finish: ${finish}`
}

/**
 * What may be said for the end: a provider may call tools and say `stop`, a refusal is a stop or a filter, and few dialects
 * have a word for a pause.
 */
const endings = ({ aside, calls, ending }: Said): ReadonlyArray<Said["ending"]> => {
  if (calls.length > 0 && (ending === undefined || ending === "stop")) return ["tools", "stop"]
  if (aside !== "" && ending === "stop") return ["stop", "filter"]
  if (ending === "pause") return ["pause", "stop"]
  return [ending ?? "stop"]
}

/** Whether a stream's error comes before its first output, and so with a status, is the stream's own affair. */
const ofError = (
  { status }: Reader,
  category: ErrorCategory,
  recorded: Case,
  heard: Either.Either<Heard, unknown>
): string | undefined => {
  if (Either.isRight(heard)) return `took an error for an answer: ${shown(heard.right)}`
  const seen = status(heard.left)
  const expected = statusOf(category, recorded)
  if (seen !== expected && !(recorded.streaming && recorded.status < 300 && typeof seen !== "number"))
    return `status ${String(seen)}, not ${expected}: ${sentence(heard.left)}`
  return sentence(heard.left) === "" ? "an error without a message" : undefined
}

/** What an error says; the library that checks shapes has its reasons in the cause. */
const sentence = (error: unknown): string => {
  if (!(error instanceof Error)) return shown(error)
  const cause = error.cause instanceof Error ? ` (${error.cause.message.slice(-400)})` : ""
  return `${error.name}: ${error.message.slice(0, 200)}${cause}`.replaceAll(/\s+/g, " ")
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 200)
