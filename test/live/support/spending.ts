import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { join } from "node:path"
import { Pool } from "undici"
import { atLast } from "./command.js"
import { get, isWell, serve, type Serving } from "./gateway.js"
import { embedded } from "./kills.js"
import * as Postgres from "./postgres.js"
import * as Priced from "./priced.js"
import * as Provider from "./provider.js"
import type { Ask } from "./remembered.js"

/** Requests at once. */
const crowd = 1_000

/** Of each budget, in USD, and how many answers it pays for. */
const limit = 5
const affordable = 50

/** What is left of a budget of 5.00 while 1.00 is kept for each call that costs 0.10: 5.00 - 40 x 0.10 is the last 1.00. */
const oneByOne = 41

/** Where gateways keep what was spent. */
interface Purse {
  readonly name: string
  /** As `DATABASE_URL`, and who can be asked for its tables when the gateways have ended. */
  readonly open: Effect.Effect<{ readonly url: string; readonly ask: (dataDir: string) => Ask }, never, Scope.Scope>
  /** How many share it. */
  readonly gateways: number
}

const postgres = Effect.map(Postgres.server, ({ ask, url }) => ({ url, ask: () => ask }))

const purses: ReadonlyArray<Purse> = [
  { name: "a gateway on its embedded database", open: Effect.succeed({ url: "", ask: embedded }), gateways: 1 },
  ...(Postgres.hasPostgres
    ? [
        { name: "a gateway on Postgres", open: postgres, gateways: 1 },
        { name: "two gateways on one Postgres", open: postgres, gateways: 2 }
      ]
    : [])
]

/** Many callers at once and hard budgets, so many times, wherever what was spent is kept. */
export const prove = (times: number): void => {
  describe("a gateway without a database", () => {
    it.scopedLive(
      `answers ${affordable} of ${crowd} requests at once that a hard budget pays for, ${times} times`,
      () =>
        Effect.gen(function* () {
          const provider = yield* Provider.make(Provider.billsAfter(20, Priced.tokens))
          const gateway = yield* serve({ files: { "orelse.yaml": configOf(times, provider) } }, configured)
          for (let at = 0; at < times; at++) yield* exactly(at, gateway, provider)
          yield* thrifty(gateway, provider)
          const { text } = yield* get(`${gateway.url}/admin/costs/summary`)
          assert.strictEqual(Number(JSON.parse(text).total_cost), (times * limit * 10 + oneByOne) / 10)
        }),
      { timeout: timeoutOf(times) }
    )
  })
  for (const purse of purses) {
    describe(`${purse.name}`, () => {
      inTables(purse, times)
    })
  }
}

/** In ms. */
const timeoutOf = (times: number): number => 60_000 + 20_000 * times

const inTables = ({ gateways, open }: Purse, times: number): void => {
  it.scopedLive(
    `answers ${affordable} of ${crowd} requests at once that a hard budget pays for, ${times} times`,
    () =>
      Effect.gen(function* () {
        const provider = yield* Provider.make(Provider.billsAfter(20, Priced.tokens))
        const { ask, url } = yield* open
        const setting = {
          files: { "orelse.yaml": configOf(times, provider) },
          env: { DATABASE_URL: url, ORELSE_DATA_DIR: "data" }
        }
        const one = yield* serve(setting, configured)
        const others = yield* Effect.replicateEffect(serve(setting, configured), gateways - 1)
        const [other] = others
        for (const gateway of [one, ...others]) yield* isWell(gateway)
        for (let at = 0; at < times; at++) {
          if (other === undefined) yield* exactly(at, one, provider)
          else yield* together(at, one, other, provider)
        }
        yield* thrifty(one, provider)
        for (const gateway of [one, ...others]) {
          yield* gateway.signal("SIGTERM")
          assert.strictEqual((yield* gateway.ended).code, 0)
        }
        yield* isCharged(ask(join(one.directory, "data")), times)
      }),
    { timeout: timeoutOf(times) }
  )
}

const configured = ["--config", "orelse.yaml"]

/** A budget for each time, and one more; a month's, as a day may end meanwhile. */
const configOf = (times: number, provider: Provider.Provider): string => {
  const ids = [...Array.from({ length: times }, (_, at) => `purse-${at}`), "thrift"]
  return Priced.config(
    ids.map((id) => Priced.instance(id, provider)),
    ids.map((id) => ({ scope: `instance:${id}`, monthly: limit })),
    // Every call has leave: the budget alone says who is answered.
    { circuitBreaker: { failureThreshold: 1_000 } }
  )
}

/** All at once: as many as the budget pays for are answered, and nobody else is asked for. */
const exactly = (at: number, gateway: Serving, provider: Provider.Provider): Effect.Effect<void> =>
  Effect.gen(function* () {
    const id = `purse-${at}`
    const answers = yield* Effect.promise(() => everybody([gateway.url], id, crowd))
    assert.strictEqual(answers.filter(({ status }) => status === 200).length, affordable, `time ${at}`)
    isRefused(answers, id)
    assert.strictEqual(provider.byKey.get(`sk-${id}`), affordable)
  })

/**
 * The same at two doors. What one of them has leased and does not need comes back in a few seconds: at no time more than the
 * limit is spent, and in the end nothing is left.
 */
const together = (at: number, one: Serving, other: Serving, provider: Provider.Provider): Effect.Effect<void> =>
  Effect.gen(function* () {
    const id = `purse-${at}`
    const answers = yield* Effect.promise(() => everybody([one.url, other.url], id, crowd))
    const answered = answers.filter(({ status }) => status === 200).length
    assert.isAtMost(answered, affordable, `time ${at}`)
    isRefused(answers, id)
    assert.strictEqual(provider.byKey.get(`sk-${id}`), answered)
    yield* Effect.logInfo(`two gateways have admitted ${answered} of ${crowd} for ${affordable}`)
    yield* atLast(
      () => `${affordable} answers of both together, after ${answered} at once`,
      Effect.filterOrFail(
        Effect.promise(() => everybody([one.url, other.url], id, 2)),
        () => provider.byKey.get(`sk-${id}`) === affordable
      )
    )
    isRefused(yield* Effect.promise(() => everybody([one.url, other.url], id, 10)), id)
    assert.strictEqual(provider.byKey.get(`sk-${id}`), affordable)
  })

/** What was kept for a call and not used pays for the next ones. */
const thrifty = (gateway: Serving, provider: Provider.Provider): Effect.Effect<void> =>
  Effect.gen(function* () {
    const answers: Array<Answer> = []
    while (answers.length < crowd && answers.at(-1)?.status !== 402) {
      answers.push(...(yield* Effect.promise(() => everybody([gateway.url], "thrift", 1, 10 * Priced.tokens))))
    }
    assert.deepStrictEqual(
      answers.map(({ status }) => status),
      [...Array.from({ length: oneByOne }, () => 200), 402]
    )
    assert.strictEqual(provider.byKey.get("sk-thrift"), oneByOne)
  })

/** Whoever has no answer is told which budget is spent, and until when. */
const isRefused = (answers: ReadonlyArray<Answer>, id: string): void => {
  for (const { status, text } of answers) {
    if (status === 200) continue
    assert.strictEqual(status, 402, text)
    const { error } = JSON.parse(text)
    assert.strictEqual(error.code, "budget_exceeded")
    assert.strictEqual(error.scope, `instance:${id}`)
    assert.strictEqual(error.period, "monthly")
    assert.isAbove(Date.parse(error.resets_at), Date.now())
  }
}

/** Each answer has its row, each budget its sum to the last digit, and nothing is leased any more. */
const isCharged = (ask: Ask, times: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    const [found] = yield* ask(`
      SELECT (SELECT jsonb_object_agg(instance, told)
                FROM (SELECT instance, jsonb_build_array(count(*), trim_scale(sum(cost_usd))::text) AS told FROM ledger_entries
                       WHERE outcome = 'success' AND usage_source = 'reported' GROUP BY instance) AS rows) AS rows,
             (SELECT count(*)::int FROM ledger_entries) AS all_rows,
             (SELECT jsonb_object_agg(value, trim_scale(usd)::text)
                FROM (SELECT value, sum(cost_usd) AS usd FROM ledger_rollups WHERE dimension = 'instance' GROUP BY value) AS sums)
               AS sums,
             (SELECT count(*)::int FROM budget_leases) AS leases`)
    const ids = Array.from({ length: times }, (_, at) => `purse-${at}`)
    assert.deepStrictEqual(found, {
      rows: Object.fromEntries([...ids.map((id) => [id, [affordable, "5"]]), ["thrift", [oneByOne, "4.1"]]]),
      all_rows: times * affordable + oneByOne,
      sums: Object.fromEntries([...ids.map((id) => [id, "5"]), ["thrift", "4.1"]]),
      leases: 0
    })
  })

interface Answer {
  readonly status: number
  readonly text: string
}

/** So many requests at once, each on a connection of its own, at these doors in turn. Who is told to ask again does so. */
const everybody = async (
  urls: ReadonlyArray<string>,
  model: string,
  count: number,
  maxTokens = Priced.tokens
): Promise<ReadonlyArray<Answer>> => {
  const pools = urls.map((url) => new Pool(url, { connections: count, pipelining: 1 }))
  const body = JSON.stringify({ model, max_tokens: maxTokens, messages: [{ role: "user", content: "Well?" }] })
  const ask = async (pool: Pool): Promise<Answer> => {
    const answer = await pool.request({
      path: "/v1/chat/completions",
      method: "POST",
      headers: { "content-type": "application/json" },
      body
    })
    const text = await answer.body.text()
    // A crowd on a slow machine can keep a gateway from hearing its database in time.
    return answer.statusCode === 503 && text.includes("budget_unavailable")
      ? ask(pool)
      : { status: answer.statusCode, text }
  }
  try {
    return await Promise.all(
      pools.flatMap((pool) => Array.from({ length: Math.ceil(count / pools.length) }, () => ask(pool)))
    )
  } finally {
    await Promise.all(pools.map((pool) => pool.destroy()))
  }
}
