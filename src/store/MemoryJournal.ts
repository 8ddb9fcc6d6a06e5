import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { batchRecords, decode, encode, type Backlog } from "./Backlog.js"
import { Waiting } from "./Waiting.js"

/** A journal that ends with its process. */
export const make = (maxRecords: number) => {
  const waiting = new Waiting()
  /** As text, so that a record is what it was when it was appended. */
  const lines: Array<string> = []
  let [first, bytes, dropped] = [0, 0, 0]
  const pending = () => lines.length

  const append = (kind: string, json: string): boolean => {
    const line = encode(kind, json)
    if (line === undefined || lines.length >= maxRecords) {
      dropped++
      return false
    }
    lines.push(line)
    bytes += line.length
    waiting.tell(lines.length)
    return true
  }

  const backlog: Backlog = {
    id: randomUUID(),
    grows: true,
    read: (from) =>
      Effect.sync(() => {
        const start = Math.max(from, first)
        const read = lines.slice(start - first, start - first + batchRecords)
        const records = read.flatMap((line) => decode(line.trimEnd()) ?? [])
        return { from, next: start + read.length, records, damaged: read.length - records.length }
      }),
    forget: (position) =>
      Effect.sync(() => {
        const gone = lines.splice(0, Math.max(0, position - first))
        for (const line of gone) bytes -= line.length
        first += gone.length
      }),
    remove: Effect.void,
    setAside: Effect.void
  }

  return {
    id: backlog.id,
    append,
    appendNow: append,
    stats: () => ({ pending: lines.length, adopted: 0, bytes, dropped, writable: lines.length < maxRecords }),
    backlogs: () => [backlog],
    ids: Effect.succeed([backlog.id]),
    waiting: (records: number) => waiting.until(records, pending)
  }
}
