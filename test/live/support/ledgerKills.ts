import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { join } from "node:path"
import { atLast, eventually, launch } from "./command.js"
import { isWell, serve } from "./gateway.js"
import { embedded } from "./kills.js"
import { paced, type Answered } from "./load.js"
import * as Postgres from "./postgres.js"
import * as Priced from "./priced.js"
import * as Provider from "./provider.js"
import * as Remembered from "./remembered.js"

/** Where a gateway keeps its ledger. */
interface Store {
  /** As `DATABASE_URL`. */
  readonly url: string
  /** Asks the tables while no gateway runs. */
  readonly ask: Remembered.Ask
  /** The same while one runs, where that can be. */
  readonly watch: Remembered.Ask | undefined
}

/** In requests a second, and what a provider takes for each, in ms: together forty of them are in flight. */
const rate = 100
const takes = 400

/** Nobody is killed with fewer calls under way. */
const crowd = 30

/** Of the budget that is enough for all, and of the one that is not, in USD. */
const plenty = 1_000_000
const scarce = 5

/** So many ends in the middle of calls that cost money, on either database; the embedded one takes its time to start. */
export const prove = (kills: number, killsEmbedded = kills): void => {
  describe.skipIf(!Postgres.hasPostgres)("the ledger on Postgres", () => {
    test(kills, () => Effect.map(Postgres.server, ({ ask, url }) => ({ url, ask, watch: ask })))
  })
  describe("the ledger in the embedded database", () => {
    test(killsEmbedded, (dataDir) => Effect.succeed({ url: "", ask: embedded(dataDir), watch: undefined }))
  })
}

/** What providers were asked for, in their own words: how often, by the mark of the request. */
class Billing {
  readonly calls = new Map<string, number>()

  readonly behaviour: Provider.Behaviour = (call) => {
    const [, mark = ""] = /"user"\s*:\s*"(\d+)"/.exec(call.body) ?? []
    this.calls.set(mark, (this.calls.get(mark) ?? 0) + 1)
    Provider.billsAfter(takes, Priced.tokens)(call)
  }
}

const test = (kills: number, storeOf: (dataDir: string) => Effect.Effect<Store, never, Scope.Scope>): void => {
  it.scopedLive(
    `has one row for each call that a provider billed, through ${kills} kills of the gateway with thirty in flight`,
    () =>
      Effect.gen(function* () {
        const billing = new Billing()
        const provider = yield* Provider.make(billing.behaviour)
        const config = Priced.config(
          ["ample", "tight"].map((id) => Priced.instance(id, provider)),
          [
            { scope: "global", monthly: plenty },
            { scope: "instance:tight", monthly: scarce }
          ]
        )
        const { directory } = yield* launch(["--version"], { files: { "orelse.yaml": config } })
        const dataDir = join(directory, "data")
        const { ask, url, watch } = yield* storeOf(dataDir)
        const start = serve({ directory, env: { DATABASE_URL: url, ORELSE_DATA_DIR: dataDir } }, [
          "--config",
          join(directory, "orelse.yaml")
        ])

        const due: Array<Answered> = []
        let asked = 0
        for (let kill = 0; kill < kills; kill++) {
          const gateway = yield* start
          yield* isWell(gateway)
          let dead = false
          const goesOn = () => !dead
          const loading = yield* Effect.fork(
            Effect.all(
              [
                paced(gateway.url, {
                  model: "ample",
                  rate,
                  from: asked,
                  goesOn,
                  isStream: (at) => at % 3 === 0,
                  maxTokens,
                  isNamed: true
                }),
                // Few, and yet more than there is money for.
                paced(gateway.url, { model: "tight", rate: 5, from: asked + far, goesOn, maxTokens, isNamed: true })
              ],
              { concurrency: "unbounded" }
            )
          )
          yield* eventually(
            () => `${crowd} calls in flight: ${provider.underWay}\n${gateway.stdout()}`,
            Effect.filterOrFail(
              Effect.sync(() => provider.underWay),
              (calls) => calls >= crowd
            )
          )
          // When some are answered; also while rows are written.
          yield* Effect.sleep(takes + ((kill * 683) % 900))
          yield* gateway.signal("SIGKILL")
          yield* gateway.ended
          dead = true
          const [ample, tight] = yield* Fiber.join(loading)
          asked += Math.max(ample.length, tight.length)
          due.push(...[...ample, ...tight].filter(({ complete, status }) => status === 200 && complete))
          // What is cut off is no answer; money is short for the one model only. A slow machine may not hear its database in time.
          assert.deepStrictEqual(
            [...ample.filter(isIll(200, 503)), ...tight.filter(isIll(200, 402, 503))],
            [],
            `after kill ${kill}`
          )
          if (watch !== undefined) yield* isWithin(watch)
        }
        assert.isAbove(due.length, 0)

        const last = yield* start
        yield* isWell(last)
        yield* atLast(
          () => `a journal of its own alone: ${Remembered.journal(dataDir).join(", ")}\n${last.stdout()}`,
          Effect.filterOrFail(
            Effect.sync(() => Remembered.journal(dataDir)),
            (files) => files.length === 2 && files.every((name) => /\.(?:run|by-.*)$/.test(name))
          )
        )
        if (watch !== undefined) {
          // It has asked for nothing yet.
          assert.deepStrictEqual(yield* watch("SELECT * FROM budget_leases"), [])
          yield* isWithin(watch)
        }
        yield* last.signal("SIGTERM")
        assert.strictEqual((yield* last.ended).code, 0)
        yield* isBilled(ask, billing, due)
        yield* isWithin(ask)
        assert.deepStrictEqual(yield* ask("SELECT * FROM budget_leases"), [])
      }),
    { timeout: 60_000 + 20_000 * kills }
  )
}

/** In tokens, of every request. */
const maxTokens = Priced.tokens

/** Between the numbers of the one model's requests and of the other's. */
const far = 1_000_000

const isIll =
  (...expected: ReadonlyArray<number>) =>
  ({ status }: Answered): boolean =>
    status !== 0 && !expected.includes(status)

/** Every budget holds what is spent and what is leased of it, at any moment. */
const isWithin = (ask: Remembered.Ask): Effect.Effect<void> =>
  Effect.gen(function* () {
    const [row] = yield* ask(`
      SELECT coalesce((SELECT sum(cost_usd) FROM ledger_rollups WHERE dimension = 'instance' AND value = 'tight'), 0)
             + coalesce((SELECT sum(leased_usd) FROM budget_leases WHERE scope = 'instance:tight'), 0) <= ${scarce} AS tight,
             coalesce((SELECT sum(cost_usd) FROM ledger_rollups WHERE dimension = 'global'), 0)
             + coalesce((SELECT sum(leased_usd) FROM budget_leases WHERE scope = 'global'), 0) <= ${plenty} AS ample`)
    assert.deepStrictEqual(row, { tight: true, ample: true })
  })

/** The ledger and the providers say the same. */
const isBilled = (ask: Remembered.Ask, billing: Billing, due: ReadonlyArray<Answered>): Effect.Effect<void> =>
  Effect.gen(function* () {
    const rows = (yield* ask(`
      SELECT request_id AS mark, outcome, usage_source AS source, trim_scale(cost_usd)::text AS cost,
             trim_scale(reserved_usd)::text AS reserved FROM ledger_entries`)).map(
      ({ mark, ...row }) => [String(mark), row] as const
    )
    const byMark = new Map(rows)
    assert.strictEqual(byMark.size, rows.length, "rows that are there twice")
    assert.deepStrictEqual(
      [...billing.calls].filter(([mark, calls]) => calls !== 1 || !byMark.has(mark)),
      [],
      "calls without a row"
    )
    const cost = String(Priced.price)
    const charged = { source: "reported", cost, reserved: cost }
    for (const [mark, row] of byMark) {
      // Whoever was not heard of costs what was kept for it, also where the end came before the call.
      const expected =
        row["outcome"] === "lost"
          ? { ...charged, outcome: "lost", source: "estimated" }
          : { ...charged, outcome: "success" }
      assert.deepStrictEqual(row, expected, `request ${mark}`)
      if (row["outcome"] === "success") assert.isTrue(billing.calls.has(mark), `a call for request ${mark}`)
    }
    // What was answered to its end is not lost.
    assert.deepStrictEqual(
      due.filter(({ mark }) => byMark.get(mark)?.["outcome"] !== "success"),
      []
    )
    const lost = rows.filter(([, { outcome }]) => outcome === "lost").length
    yield* Effect.logInfo(`${billing.calls.size} calls billed, ${rows.length} rows, ${lost} of them lost`)
  })
