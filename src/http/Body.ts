import * as Either from "effect/Either"
import { parse, printParseErrorCode, type ParseError } from "jsonc-parser"
import { isUtf8 } from "node:buffer"
import * as HttpRefusal from "./HttpRefusal.js"

/** A body's JSON. Only a body that is none is looked at a second time, to say where. */
export const parseJson = (body: Buffer): Either.Either<unknown, HttpRefusal.HttpRefusal> => {
  if (!isUtf8(body)) return Either.left(HttpRefusal.malformedJson("the body is not UTF-8"))
  const text = body.toString("utf8")
  try {
    const json: unknown = JSON.parse(text)
    return Either.right(json)
  } catch {
    return Either.left(HttpRefusal.malformedJson(whereMalformed(text)))
  }
}

/** Says where JSON breaks, without a word of the body itself. */
const whereMalformed = (text: string): string => {
  if (text.trim() === "") return "the body is empty; a JSON object is expected"
  const errors: Array<ParseError> = []
  try {
    parse(text, errors, { disallowComments: true })
  } catch {
    return "the body is nested too deeply"
  }
  const [first] = errors
  if (first === undefined) return "the body is not JSON"
  const before = text.slice(0, first.offset)
  const line = before.split("\n").length
  const column = first.offset - (before.lastIndexOf("\n") + 1) + 1
  return `the body is not JSON: ${printParseErrorCode(first.error)} at line ${line}, column ${column}`
}
