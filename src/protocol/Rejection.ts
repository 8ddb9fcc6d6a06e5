import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import { RequestRejected } from "../domain/GatewayError.js"

/** A value that cannot be decoded, as a refusal that names the field. */
export const of = (
  decode: (json: unknown) => Either.Either<unknown, ParseResult.ParseError>,
  json: unknown
): RequestRejected => {
  const error = Either.flip(decode(sketch(json, 0)))
  const issue = Either.isRight(error) ? ParseResult.ArrayFormatter.formatErrorSync(error.right)[0] : undefined
  if (issue === undefined)
    return new RequestRejected({ message: "the request does not have the form that it must have" })
  const param = issue.path.reduce<string>(
    (path, key) => (typeof key === "number" ? `${path}[${key}]` : path === "" ? String(key) : `${path}.${String(key)}`),
    ""
  )
  if (issue._tag === "Missing") return new RequestRejected({ message: `'${param}' is required`, param, code: missing })
  return new RequestRejected({ message: `'${param}' is not of the right type: ${expected(issue.message)}`, param })
}

export const notAnObject = new RequestRejected({ message: "the body must be a JSON object" })

export const noModel = new RequestRejected({
  message: "you must name a model",
  param: "model",
  code: "missing_required_parameter"
})

/** As much of a value as it takes to say what is wrong: a formatter would print megabytes, and overflow on deep ones. */
const sketch = (value: unknown, depth: number): unknown => {
  if (typeof value === "string") return value.slice(0, maxSketched)
  if (typeof value !== "object" || value === null) return value
  if (depth > deepestField) return null
  if (Array.isArray(value)) return value.slice(0, maxSketched).map((item) => sketch(item, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sketch(item, depth + 1)]))
}

const maxSketched = 1_000

/** `fallback.providers[0].catch_errors[0]` is the deepest one that is read. */
const deepestField = 6

const missing = "missing_required_parameter"

/** The formatter's sentence without the value that was found: a body is never echoed. */
const expected = (message: string): string => {
  const [, wanted] = /^Expected (.*?)(?: \||, actual|$)/.exec(message) ?? []
  return wanted === undefined ? "see the API reference" : `expected ${wanted}`
}
