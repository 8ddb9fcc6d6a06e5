import { LosslessNumber } from "lossless-json"
import type { ChatRequest } from "../domain/ChatRequest.js"
import * as Json from "../protocol/Json.js"

/**
 * What a request's body says, as JSON that is the same for bodies that say the same: keys in order, no white space, one way to
 * write a text. Integers that a double cannot hold stay as they were written. Without the members of the object that `without`
 * names. `undefined` for what is nested too deeply, or holds a number beyond all doubles.
 */
export const of = ({ body, view }: ChatRequest, without: ReadonlySet<string>): string | undefined => {
  const text = object(view, without, 0, false)
  if (text !== inexact) return text
  const read = Json.parsed(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString())
  return Json.isRecord(read) ? object(read, without, 0, true) : undefined
}

/** The view may hold other than what was written: a number that is too long, or what only a program has. No JSON looks like this. */
const inexact = "inexact"

/** `exact`: its numbers were read so that none is lost. */
const object = (
  members: Readonly<Record<string, unknown>>,
  without: ReadonlySet<string>,
  depth: number,
  exact: boolean
): string | undefined => {
  let text = ""
  // oxlint-disable-next-line unicorn/no-array-sort -- the array is new, and a copy would be made for every object.
  for (const key of Object.keys(members).sort()) {
    if (without.has(key)) continue
    const value = write(members[key], depth + 1, exact)
    if (value === undefined || value === inexact) return value
    text += `${text === "" ? "" : ","}${JSON.stringify(key)}:${value}`
  }
  return `{${text}}`
}

const list = (items: ReadonlyArray<unknown>, depth: number, exact: boolean): string | undefined => {
  let text = ""
  for (const item of items) {
    const value = write(item, depth + 1, exact)
    if (value === undefined || value === inexact) return value
    text += text === "" ? value : `,${value}`
  }
  return `[${text}]`
}

const write = (value: unknown, depth: number, exact: boolean): string | undefined => {
  if (typeof value === "number") return number(value, exact)
  // Nothing, and functions, have no JSON.
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? inexact
  if (value instanceof LosslessNumber) return value.value
  if (depth === deepest) return undefined
  if (Array.isArray(value)) return list(value, depth, exact)
  // A date is written otherwise than it looks.
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return inexact
  return object(Json.record(value), nothing, depth, exact)
}

const number = (value: number, exact: boolean): string | undefined => {
  if (!Number.isFinite(value)) return undefined
  const text = String(value)
  if (exact || Number.isSafeInteger(value)) return text
  // Sixteen digits and a point: what was written may have been longer.
  return Number.isInteger(value) || text.length >= 17 ? inexact : text
}

/** No schema or conversation is nested like that, and the stack is not to be tried. */
const deepest = 256

const nothing: ReadonlySet<string> = new Set()
