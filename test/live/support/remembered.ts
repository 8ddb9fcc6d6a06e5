import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { RequestRow } from "../../../src/store/RequestLog.js"
import type { Answered } from "./load.js"
import { answers, fails, type Behaviour } from "./provider.js"

/** Asks the tables, wherever they are. */
export type Ask = (text: string) => Effect.Effect<ReadonlyArray<Record<string, unknown>>>

/** What providers wrote down themselves, by the mark of the request that they were called for. */
export class Log {
  readonly calls = new Map<string, Array<string>>()
  /** By instance and how it answered. */
  readonly counts = new Map<string, number>()

  /** Answers, but for the calls whose numbers are chosen: those fail. */
  readonly of = (instance: string, isBad: (call: number) => boolean): Behaviour => {
    let number = 0
    return (call) => {
      const well = !isBad(number++)
      const entry = `${instance} ${well ? "success" : "failure"}`
      const [, mark = ""] = /"user"\s*:\s*"(\d+)"/.exec(call.body) ?? []
      this.calls.set(mark, [...(this.calls.get(mark) ?? []), entry])
      this.counts.set(entry, (this.counts.get(entry) ?? 0) + 1)
      if (well) answers(call)
      else fails(500)(call)
    }
  }
}

/** Every request that is kept, each decoded: a half row is none. */
export const requests = (ask: Ask): Effect.Effect<ReadonlyMap<string, RequestRow>> =>
  Effect.map(
    ask(`
      SELECT id, to_jsonb(timestamp) #>> '{}' AS timestamp, tenant, "user", path, status, ms, model, instance, provider,
             provider_model_id, stream, fallback, failure, input_tokens::int, output_tokens::int, cost_usd::text, attempts
        FROM requests`),
    (rows) => new Map(rows.map((row) => Schema.decodeUnknownSync(RequestRow)(row)).map((row) => [row.id, row]))
  )

/** Who was called for a request, and how it went, as `Log` says it. */
export const callsOf = ({ attempts }: RequestRow): ReadonlyArray<string> =>
  attempts.map(({ instance, outcome }) => `${instance} ${outcome}`)

/** `request_id from > to` of every time that a request went on to somebody else. */
export const failoversOf = (rows: Iterable<RequestRow>): ReadonlyArray<string> =>
  [...rows].flatMap(({ attempts, id }) =>
    attempts.slice(1).flatMap(({ instance }, before) => {
      const from = attempts[before]?.instance
      return from === undefined || from === instance ? [] : [`${id} ${from} > ${instance}`]
    })
  )

/** The same, of the events. */
export const failovers = (ask: Ask): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(
    ask(`
      SELECT request_id || ' ' || instance || ' > ' || to_instance AS told FROM failover_events
       WHERE event_type = 'failover'`),
    (rows) => rows.map(({ told }) => String(told))
  )

/** The calls of requests that were answered, all failovers and all counts are in the tables, each once. Gives the requests. */
export const assertWhole = (
  ask: Ask,
  answered: ReadonlyArray<Pick<Answered, "id" | "mark">>,
  log: Log
): Effect.Effect<ReadonlyMap<string, RequestRow>> =>
  Effect.gen(function* () {
    const rows = yield* requests(ask)
    for (const { id = "", mark } of answered) {
      const row = rows.get(id)
      assert.deepStrictEqual(row && callsOf(row), log.calls.get(mark), `request ${mark}`)
    }
    assert.deepStrictEqual((yield* failovers(ask)).toSorted(), failoversOf(rows.values()).toSorted())
    assert.deepStrictEqual(yield* counts(ask), log.counts)
    return rows
  })

/** What happened to the circuit of an instance, in order. */
export const turns = (ask: Ask, instance: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(
    ask(`
      SELECT event_type FROM failover_events
       WHERE instance = '${instance}' AND scope = 'instance' AND event_type LIKE 'circuit%' ORDER BY timestamp, id`),
    (rows) => rows.map(({ event_type }) => String(event_type))
  )

/** None is missing and none is there twice: each can follow the one before. */
export const assertInOrder = (told: ReadonlyArray<string>): void => {
  const before: Record<string, ReadonlyArray<string>> = {
    circuit_open: ["circuit_close", "circuit_half_open"],
    circuit_half_open: ["circuit_open"],
    circuit_close: ["circuit_half_open"]
  }
  const last = (at: number): string => told[at - 1] ?? "circuit_close"
  assert.deepStrictEqual(
    told.filter((event, at) => before[event]?.includes(last(at)) !== true),
    [],
    told.join(", ")
  )
}

/** Calls by instance and how it answered. */
export const counts = (ask: Ask): Effect.Effect<ReadonlyMap<string, number>> =>
  Effect.map(
    ask("SELECT provider, success_count::int AS well, error_count::int AS ill FROM model_health_tracking"),
    (rows) =>
      new Map(
        rows
          .flatMap(({ ill, provider, well }) => [
            [`${String(provider)} success`, Number(well)] as const,
            [`${String(provider)} failure`, Number(ill)] as const
          ])
          .filter(([, count]) => count > 0)
      )
  )

/** Files of the journal in a data directory. */
export const journal = (dataDir: string): ReadonlyArray<string> => {
  const directory = join(dataDir, "journal")
  return existsSync(directory) ? readdirSync(directory) : []
}
