import { LosslessNumber } from "lossless-json"
import * as Json from "../protocol/Json.js"

/**
 * JSON that is the same for bodies that say the same: keys in order, no white space, one way to write a text. Numbers that a
 * double cannot hold stay as they were written. Without the members of the object that `without` names. `undefined` for what
 * is nested too deeply, or holds a number beyond all doubles.
 */
export const of = (body: Uint8Array, without: ReadonlySet<string>): string | undefined => {
  const json = Json.parsed(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString())
  if (!Json.isRecord(json)) return undefined
  const members: Array<string> = []
  for (const key of Object.keys(json).toSorted()) {
    if (without.has(key)) continue
    const text = write(json[key], 1)
    if (text === undefined) return undefined
    members.push(`${JSON.stringify(key)}:${text}`)
  }
  return `{${members.join(",")}}`
}

const write = (value: unknown, depth: number): string | undefined => {
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : undefined
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  if (value instanceof LosslessNumber) return value.value
  if (depth === deepest) return undefined
  const pieces: Array<string> = []
  if (Array.isArray(value)) {
    for (const item of value) {
      const text = write(item, depth + 1)
      if (text === undefined) return undefined
      pieces.push(text)
    }
    return `[${pieces.join(",")}]`
  }
  const members = Json.record(value)
  for (const key of Object.keys(members).toSorted()) {
    const text = write(members[key], depth + 1)
    if (text === undefined) return undefined
    pieces.push(`${JSON.stringify(key)}:${text}`)
  }
  return `{${pieces.join(",")}}`
}

/** No schema or conversation is nested like that, and the stack is not to be tried. */
const deepest = 256
