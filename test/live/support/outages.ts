import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { join } from "node:path"
import { atLast } from "./command.js"
import { isWell, serve, type Serving } from "./gateway.js"
import { paced, quantile, type Answered } from "./load.js"
import * as Postgres from "./postgres.js"
import * as Provider from "./provider.js"
import * as Remembered from "./remembered.js"
import * as SlowWire from "./slowWire.js"

/** How long a proof takes. */
export interface Size {
  /** The latency is measured in so many windows before each fault, and in as many during it; in more where a noisy machine asks for it. */
  readonly windows: number
  /** Of one window, in ms. */
  readonly window: number
  /** How often all faults come. */
  readonly rounds: number
}

/** One thing that can be wrong with a database. */
interface Fault {
  readonly name: string
  readonly begin: Effect.Effect<unknown>
  readonly end: Effect.Effect<unknown>
}

/** In requests a second. */
const rate = 200

/** What a fault may add to the 99th percentile, in ms. */
const mayAdd = 10

const mostWindows = 12

/** Nobody waits for a database, however long a test's own machine stops, in ms. */
const longest = 2_000

/** One chain, whose first provider fails four times in a row now and then: enough to open its circuit for a second. */
const config = (shaky: Provider.Provider, steady: Provider.Provider): string => {
  const of = (id: string, baseUrl: string) => ({ id, provider: "openai-compatible", baseUrl, apiKey: "sk-test" })
  return JSON.stringify({
    instances: [of("shaky", shaky.url), of("steady", steady.url)],
    models: [{ id: "chain", targets: ["shaky", "steady"].map((instance) => ({ instance, model: "m" })) }],
    circuitBreaker: { failureThreshold: 3, successThreshold: 1, initialBackoff: "1s", maxBackoff: "1s", jitter: 0 },
    health: { checkOnStart: false },
    log: { level: "warn", format: "json" }
  })
}

/** Calls to the first provider that fail. */
const isBad = (call: number): boolean => call % 150 >= 146

/** A gateway under a steady load whose database is lost, hangs, is slow or takes nothing. */
export const prove = ({ rounds, window, windows }: Size) =>
  describe.skipIf(!Postgres.hasPostgres)("a gateway under load whose Postgres fails", () => {
    it.scopedLive(
      "fails no request for it, answers as fast as before, and everything is in the tables once",
      () =>
        Effect.gen(function* () {
          const postgres = yield* Postgres.server
          const wire = yield* SlowWire.to(Number(new URL(postgres.url).port))
          const log = new Remembered.Log()
          const shaky = yield* Provider.make(log.of("shaky", isBad))
          const steady = yield* Provider.make(log.of("steady", () => false))
          const url = new URL(postgres.url)
          url.port = String(wire.port)
          const gateway = yield* serve(
            {
              files: { "orelse.yaml": config(shaky, steady) },
              env: { DATABASE_URL: url.href, ORELSE_DATA_DIR: "data" }
            },
            ["--config", "orelse.yaml"]
          )
          yield* isWell(gateway)

          let ending = false
          const heard: Array<Answered> = []
          const loading = yield* Effect.fork(
            paced(gateway.url, {
              model: "chain",
              rate,
              goesOn: () => !ending,
              answered: (answer) => void heard.push(answer)
            })
          )
          // Both ways are warm.
          yield* Effect.sleep(3_000)
          /** In ms, of what was asked in a window. */
          const p99 = Effect.gen(function* () {
            const [from, first] = [performance.now(), heard.length]
            yield* Effect.sleep(window)
            const asked = heard.slice(first).filter(({ at }) => at >= from)
            return quantile(
              asked.map(({ ms }) => ms),
              0.99
            )
          })
          for (let round = 0; round < rounds; round++) {
            for (const { begin, end, name } of faultsOf(postgres, wire)) {
              const before = yield* Effect.replicateEffect(p99, windows)
              yield* begin
              const during = yield* Effect.replicateEffect(p99, windows)
              // Others use the machine as well: the quietest window of each tells what the gateway itself takes.
              const added = () => Math.min(...during) - Math.min(...before)
              while (added() > mayAdd && during.length < mostWindows) during.push(yield* p99)
              yield* end
              assert.isAtMost(
                added(),
                mayAdd,
                `p99 in ms while it ${name}: ${during.join(", ")}; before: ${before.join(", ")}`
              )
              yield* isWell(gateway)
            }
          }
          ending = true
          const answers = yield* Fiber.join(loading)
          assert.deepStrictEqual(
            answers.filter(({ complete, ms, status }) => status !== 200 || !complete || ms > longest),
            []
          )
          yield* isRemembered(postgres.ask, gateway, answers, log)
        }),
      { timeout: 180_000 * rounds }
    )
  })

const faultsOf = (postgres: Postgres.Server, wire: SlowWire.SlowWire): ReadonlyArray<Fault> => {
  const readOnly = (value: string) =>
    Effect.zipRight(
      postgres.ask(`ALTER SYSTEM SET default_transaction_read_only = ${value}`),
      postgres.ask("SELECT pg_reload_conf()")
    )
  return [
    { name: "is stopped", begin: postgres.stop, end: postgres.start },
    { name: "hangs", begin: postgres.pause, end: postgres.resume },
    { name: "restarts", begin: Effect.zipRight(postgres.stop, postgres.start), end: Effect.void },
    { name: "takes 5 s more", begin: wire.takes(2_500), end: wire.takes(0) },
    { name: "is read-only", begin: readOnly("on"), end: readOnly("off") }
  ]
}

/** What was asked, called and told is in the tables, each once. */
const isRemembered = (
  ask: Remembered.Ask,
  gateway: Serving,
  answers: ReadonlyArray<Answered>,
  log: Remembered.Log
): Effect.Effect<void> =>
  Effect.gen(function* () {
    yield* atLast(
      () => `${answers.length} requests in the table: ${gateway.stdout()}`,
      Effect.filterOrFail(
        ask("SELECT count(*)::int AS n FROM requests"),
        ([row]) => Number(row?.["n"]) >= answers.length
      )
    )
    yield* gateway.signal("SIGTERM")
    assert.strictEqual((yield* gateway.ended).code, 0)
    assert.deepStrictEqual(Remembered.journal(join(gateway.directory, "data")), [])

    const rows = yield* Remembered.assertWhole(ask, answers, log)
    assert.strictEqual(rows.size, answers.length)
    const turns = yield* Remembered.turns(ask, "shaky")
    Remembered.assertInOrder(turns)
    const opened = gateway.stdout().match(/shaky: circuit opened/g) ?? []
    assert.isAbove(opened.length, 0)
    assert.strictEqual(turns.filter((event) => event === "circuit_open").length, opened.length)
  })
