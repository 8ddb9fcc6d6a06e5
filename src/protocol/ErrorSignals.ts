import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { ErrorCategory } from "../domain/ErrorCategory.js"
import { categoryOf, type Evidence, type Failure } from "./Failure.js"
import { endedInError } from "./Readings.js"

/** Names in lower case. */
export type Headers = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

/** An answer that is not a 2xx. */
export interface FailedAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array
  /** Unix ms; a `retry-after` date counts from here. */
  readonly now: number
}

/** What a non-2xx answer means. */
export const fromAnswer = ({ body, headers, now, status }: FailedAnswer): Failure => {
  const { retryAfterMs, ...said } = ofBody(body)
  const code = one(headers["x-ms-error-code"]) ?? one(headers["x-error-code"]) // Azure, Hugging Face
  const shouldRetry = one(headers["x-should-retry"])
  return {
    ...failureOf({ ...said, status, codes: code === undefined ? said.codes : [...said.codes, code] }),
    retryAfterMs: ofHeaders(headers, status, now) ?? retryAfterMs,
    shouldRetry: shouldRetry === "true" ? true : shouldRetry === "false" ? false : undefined
  }
}

/**
 * What an error inside a 200 body or a stream's frame means; `undefined` when the value holds none. Headers are no
 * evidence here, because rate-limit headers also come on good answers.
 */
export const fromErrorValue = (json: unknown, status: number | undefined): Failure | undefined => {
  if (!holdsError(json)) return undefined
  const { retryAfterMs, ...said } = ofJson(json)
  return { ...failureOf({ ...said, status: isStatus(status) ? status : said.status }), retryAfterMs }
}

/** What the data of an `event: error` frame mean, which is a failure whatever it says. */
export const ofErrorEvent = (json: unknown): Failure =>
  fromErrorValue(json, undefined) ?? fromErrorValue({ error: json }, undefined) ?? endedInError

/**
 * Takes out of a provider's words whatever looks like a credential: keys, bearer tokens, `key=...`, URLs with a password
 * or a key, organisation ids, long hex and base64. Rather too much than too little; names of models survive.
 */
export const redact = (text: string): string =>
  secrets.reduce(
    (out, [pattern, replacement]) => out.replace(pattern, replacement),
    text.replace(/[\w+/=.~-]{20,}/g, (token) => (looksRandom(token) ? "***" : token))
  )

// ---------------------------------------------------------------------------------------------- body

interface Said extends Evidence {
  /** For a reader. */
  readonly words: string
  readonly param: string | undefined
  readonly retryAfterMs: number | undefined
}

const ofBody = (body: Uint8Array): Said => {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8")
  const json = parse(text)
  if (Predicate.isObject(json)) return ofJson(json)
  const words = readable(typeof json === "string" ? json : text)
  return {
    status: undefined,
    codes: [],
    words,
    text: words.trim().slice(0, maxWords),
    param: undefined,
    retryAfterMs: undefined
  }
}

/** Does a value that came as a success say that it is none? */
const holdsError = (json: unknown): boolean => {
  const outer = fields(first(json))
  const { error, errors, message, object, statusCode, success, type } = outer
  if (Predicate.isRecord(error) ? Object.keys(error).length > 0 : Boolean(error)) return true
  if (list(errors).length > 0 || type === "error" || object === "error" || success === false) return true
  return isStatus(statusCode) && Predicate.isString(message)
}

/** Vendors' shapes: `error` (an object, a text), `errors`, `detail`, or all of it at the top; Gemini puts a list around. */
const ofJson = (json: unknown): Said => {
  const outer = fields(first(json))
  const listed = fields(list(outer.errors)[0]) // Cloudflare
  const error = fields([outer.error, fields(outer.detail).error, outer.detail].find(Predicate.isRecord) ?? listed)
  const metadata = fields(error.metadata) // OpenRouter
  const upstream = typeof metadata.raw === "string" ? parse(metadata.raw) : undefined
  const details = list(error.details).map(fields) // Google
  const violations = details.flatMap((detail) => list(detail.violations)).map(fields)
  const sources = [error, fields(error.innererror), fields(error.details), ...details, ...violations, outer]
  const codes = members([...sources, fields(fields(upstream).error)], codeNames).filter(isCode)
  const param = [error.param, outer.param].find(Predicate.isString)
  const words = readable(sentence(upstream) ?? sentence(error) ?? sentence(outer) ?? "")
  return {
    status: members(sources, statusNames).filter(isStatus).map(Number)[0],
    codes: [
      ...codes.map(String),
      ...(listed.code === undefined ? [] : [`cloudflare:${String(listed.code)}`]),
      ...(list(metadata.reasons).length > 0 ? ["content_filter"] : []),
      ...(param === "model" ? ["model_not_found"] : [])
    ],
    words,
    text: [words, sentence(error), metadata.raw].filter(Predicate.isString).join("\n").trim().slice(0, maxWords),
    param,
    retryAfterMs: details.map((detail) => ofDuration(detail.retryDelay)).find(Predicate.isNumber)
  }
}

const codeNames = ["code", "type", "status", "error_code", "error_type", "reason", "quotaId"]
const statusNames = ["code", "status", "status_code", "statusCode", "http_status_code"]

type Fields = Readonly<Record<string, unknown>>

const fields = (value: unknown): Fields => (Predicate.isRecord(value) ? value : {})
const list = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])
const first = (value: unknown): unknown => (Array.isArray(value) ? value[0] : value)
const members = (sources: ReadonlyArray<Fields>, wanted: ReadonlyArray<string>): ReadonlyArray<unknown> =>
  sources.flatMap((source) => wanted.map((name) => source[name]))
const isStatus = (value: unknown): boolean =>
  (Predicate.isString(value) || Predicate.isNumber(value)) && /^[45]\d\d$/.test(String(value))
const isCode = (value: unknown): boolean => /^(?:string|number)$/.test(typeof value) && value !== "error"
const readable = (text: string): string => (/^\s*</.test(text) ? "" : text)
const parse = (text: string): unknown => Option.getOrUndefined(Option.liftThrowable(JSON.parse)(text))

/** The first text under the members that vendors put one in; the depth is bounded because the body is not ours. */
const sentence = (value: unknown, depth = 0): string | undefined => {
  if (typeof value === "string") return value === "" ? undefined : value
  if (depth > 5) return undefined
  if (Array.isArray(value)) return sentence(value[0], depth + 1)
  // What is not there has no members either: to look for them anyway is five to the power of the depth.
  if (!Predicate.isRecord(value)) return undefined
  for (const name of ["error", "errors", "message", "msg", "detail"]) {
    const found = sentence(value[name], depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}

// ---------------------------------------------------------------------------------------------- headers

const one = (value: Headers[string]): string | undefined => (typeof value === "string" ? value : value?.[0])

/** How long to wait, in ms. `retry-after-ms` is the finer one where both are there. */
const ofHeaders = (headers: Headers, status: number, now: number): number | undefined =>
  ofNumber(one(headers["retry-after-ms"]), 1) ??
  ofNumber(one(headers["x-ms-retry-after-ms"]), 1) ??
  ofNumber(one(headers["retry-after"]), 1000) ??
  ofDate(one(headers["retry-after"]), now) ??
  (status === 429 ? ofResets(headers, now) : undefined)

/** `x-ratelimit-reset-tokens` and `anthropic-ratelimit-tokens-reset`, each only when nothing remains of its limit. */
const ofResets = (headers: Headers, now: number): number | undefined => {
  const waits = Object.keys(headers)
    .filter((name) => /^(?:x|anthropic)-ratelimit-.*reset/.test(name))
    .filter((name) => one(headers[name.replace("reset", "remaining")]) === "0")
    .map((name) => ofDuration(one(headers[name])) ?? ofDate(one(headers[name]), now))
    .filter(Predicate.isNumber)
  return waits.length === 0 ? undefined : Math.max(...waits)
}

const ofNumber = (text: string | undefined, msPerUnit: number): number | undefined =>
  text !== undefined && /^ *-?\d{1,15}(?:\.\d+)? *$/.test(text)
    ? Math.max(0, Math.round(Number(text) * msPerUnit))
    : undefined

/** An HTTP date (all three forms of RFC 9110) or one of RFC 3339, as ms from `now`. */
const ofDate = (text: string | undefined, now: number): number | undefined => {
  if (text === undefined || !/^(?:[A-Z][a-z]{2,8},? |\d{4}-\d\d-\d\dT)/.test(text)) return undefined
  const at = Date.parse(/(?:[A-Z]|[+-]\d\d:\d\d)$/.test(text) ? text : `${text} GMT`)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}

const msPer: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3 }

/** A Go or protobuf duration: `6m0s`, `12ms`, `34.4s`. A bare number has no unit and says nothing certain. */
const ofDuration = (text: unknown): number | undefined => {
  if (typeof text !== "string" || !/^(?:\d{1,15}(?:\.\d+)?(?:ms|us|[dhms]))+$/.test(text)) return undefined
  let ms = 0
  for (const [, amount, unit = ""] of text.matchAll(/([\d.]+)([a-z]+)/g)) ms += Number(amount) * (msPer[unit] ?? 0)
  return Math.round(ms)
}

// ---------------------------------------------------------------------------------------------- what the caller sees

const passedOn = new Set<ErrorCategory>(["invalid_request", "context_length", "content_filter", "model_not_found"])

const sentences: Readonly<Record<ErrorCategory, string>> = {
  rate_limit: "the provider asks for fewer requests",
  auth: "the provider refused the gateway's credentials",
  provider_unavailable: "the provider could not serve the request",
  provider_quota_exceeded: "the gateway's quota or credit at the provider is used up",
  timeout: "the provider took too long",
  network: "the provider could not be reached",
  model_not_found: "the provider does not serve this model",
  context_length: "the request is longer than the model's context window",
  content_filter: "the provider's moderation refused the request",
  invalid_request: "the provider says that the request is invalid",
  malformed_response: "the provider's address did not answer as an LLM API does"
}

const failureOf = (said: Omit<Said, "retryAfterMs">): Failure => {
  const category = categoryOf(said)
  const theirs = passedOn.has(category) ? presentable(said.words) : ""
  const status = said.status === undefined ? "" : ` (${said.status})`
  return {
    category,
    message: theirs === "" ? `${sentences[category]}${status}` : theirs,
    status: said.status,
    code: said.codes.find((code) => /^(?![45]\d\d$)[\w.:-]{1,64}$/.test(code) && redact(code) === code),
    param: said.param === undefined ? undefined : presentable(said.param)
  }
}

const maxWords = 8192
const maxMessage = 500

/** A word that the first cut splits is dropped, since half a key is not recognised as one. */
const presentable = (words: string): string => {
  const bounded = words.length > maxWords ? words.slice(0, Math.max(0, words.lastIndexOf(" ", maxWords))) : words
  const clean = redact(bounded.replace(/[\s\p{Cc}]+/gu, " ").trim())
  return clean.length > maxMessage ? `${clean.slice(0, maxMessage - 1).replace(/[\uD800-\uDBFF]$/, "")}…` : clean
}

const secrets: ReadonlyArray<readonly [RegExp, string]> = [
  [/\b(\w+:\/\/)[^\s/?#]*@/g, "$1***@"],
  [/\b(bearer)\s+[^\s"',;)]+/gi, "$1 ***"],
  [/\b([Bb]asic)\s+(?=[a-z]*[A-Z0-9=])[^\s"',;)]{8,}/g, "$1 ***"],
  [
    /\b([\w-]{0,40}(?:key|token|secret|password|passwd|sig|signature|credential|auth)["']? ?= ?["']?)[^\s"'&,;)<>]+/gi,
    "$1***"
  ],
  [
    /\b((?:(?:api|access|secret|private|subscription)[ _-]?(?:key|token)|secret|password|authorization)(?: provided)?["']? ?: ?["']?)[^\s"'&,;)<>]+/gi,
    "$1***"
  ],
  [/\b(?:AKIA|AIza|ya29\.)[\w-]{8,}/g, "***"],
  [/\bsk-[\w*.-]*[\w*]/g, "***"],
  [/\b(?:sk|pk|rk|gsk|xai|pplx|nvapi|csk|tgp|r8|ghp|hf|fw|org|proj|acct)[-_][\w*]{6,}/g, "***"]
]

/** Ids that callers and vendors look things up by; they open nothing. */
const publicId = /^(?:call|toolu|msg|chatcmpl|resp|req|file|gen)[-_][\w-]+\.?$/

/** Words are runs of one kind of letter: names of models change kind at a tenth of their places, random tokens at four. */
const looksRandom = (token: string): boolean => {
  if (publicId.test(token)) return false
  if (/[A-Za-z0-9]{32}/.test(token) || /(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{20}/.test(token)) return true
  const changes = token.match(/[a-z](?=[A-Z0-9])|[A-Z](?=\d|[A-Z][a-z])|\d(?=[A-Za-z])/g)?.length ?? 0
  return token.length >= 24 && changes > token.length / 6
}
