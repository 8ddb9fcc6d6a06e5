import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import { same } from "../../src/config/Same.js"
import * as Json from "../../src/protocol/Json.js"
import { eventually } from "./support/command.js"
import { chat, get, serve, type Serving } from "./support/gateway.js"
import * as Postgres from "./support/postgres.js"
import * as Provider from "./support/provider.js"

const adminKey = "an-operators-key-of-these-tests"

const authorization = { authorization: `Bearer ${adminKey}`, "content-type": "application/json" }

/** A gateway whose instances are these providers, on this database. */
const replica = (
  url: string,
  providers: Readonly<Record<string, Provider.Provider>>,
  env: Readonly<Record<string, string>> = {}
) => {
  const instances = Object.entries(providers).map(([id, provider]) => ({
    id,
    provider: "openai-compatible",
    baseUrl: provider.url,
    apiKey: "sk-configured"
  }))
  const config = {
    instances,
    models: [{ id: "gpt-4o-mini", targets: instances.map(({ id }) => ({ instance: id, model: "m" })) }],
    health: { checkOnStart: false },
    log: { level: "info", format: "json" }
  }
  return Effect.tap(
    serve(
      {
        files: { "orelse.yaml": JSON.stringify(config) },
        env: { DATABASE_URL: url, ORELSE_DATA_DIR: "data", ORELSE_ADMIN_KEY: adminKey, ...env }
      },
      ["--config", "orelse.yaml"]
    ),
    (gateway) =>
      eventually(
        () => `a database that is up: ${gateway.stdout()}`,
        Effect.filterOrFail(get(`${gateway.url}/health`), ({ text }) => text.includes('"database":true'))
      )
  )
}

/** What an operator wants to change, and what comes of it. */
const wish = (method: string, { url }: Serving, path: string, fields: object) =>
  Effect.promise(async () => {
    const body = JSON.stringify(fields)
    const answer = await fetch(`${url}/admin/${path}`, { method, headers: authorization, body })
    return { status: answer.status, text: await answer.text() }
  })

const change = (method: string, gateway: Serving, path: string, fields: object) =>
  Effect.map(wish(method, gateway, path, fields), ({ status, text }) =>
    assert.isTrue(status < 300, `${method} ${path}: ${status} ${text}`)
  )

const ask = ({ url }: Serving, path: string, key = adminKey) =>
  Effect.map(get(`${url}/admin/${path}`, { authorization: `Bearer ${key}` }), ({ text }) =>
    Json.record(Json.parsedForReading(text))
  )

/** How each instance is, as `stats` says it. */
const circuits = (gateway: Serving) =>
  Effect.map(ask(gateway, "providers"), ({ instances }) =>
    Array.isArray(instances)
      ? instances.map(Json.record).map(({ circuit, instance }) => `${String(instance)} ${String(circuit)}`)
      : []
  )

/** What one replica was told, another one knows so soon. */
const promised = "2 seconds"

const soon = <A, E>(what: string, probe: Effect.Effect<A, E>, isSeen: (found: A) => boolean): Effect.Effect<A> =>
  Effect.filterOrFail(probe, isSeen).pipe(
    Effect.retry(Schedule.spaced("20 millis")),
    Effect.timeoutFail({ duration: promised, onTimeout: () => new Error(`${what} was not seen within ${promised}`) }),
    Effect.orDie
  )

const servedBy = (gateway: Serving, model: string) =>
  Effect.map(chat(gateway.url, { model }, authorization), ({ headers, status }) =>
    status === 200 ? headers.get("x-orelse-instance") : null
  )

/** Of every table, how many rows hold a text, in whichever column. */
const rowsWith = (postgres: Postgres.Server, text: string) =>
  Effect.gen(function* () {
    const tables = yield* postgres.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    const found: Array<string> = []
    for (const { tablename } of tables) {
      const name = String(tablename)
      const rows = yield* postgres.ask(`SELECT 1 FROM ${name} AS row WHERE row::text LIKE '%${text}%'`)
      if (rows.length > 0) found.push(name)
    }
    assert.isAbove(tables.length, 5)
    return found
  })

const restarted = (gateway: Serving, again: ReturnType<typeof replica>) =>
  Effect.gen(function* () {
    yield* gateway.signal("SIGTERM")
    assert.strictEqual((yield* gateway.ended).code, 0)
    return yield* again
  })

describe.skipIf(!Postgres.hasPostgres)("two gateways on one Postgres", () => {
  it.scopedLive(
    "know of each other's circuits within 2 s, opened by failures or by an operator, and keep them over a restart",
    () =>
      Effect.gen(function* () {
        const postgres = yield* Postgres.server
        const [ill, well] = [yield* Provider.make(Provider.fails(500)), yield* Provider.make()]
        const start = replica(postgres.url, { ill, well })
        const [one, other] = yield* Effect.all([start, start], { concurrency: 2 })
        const sees = (gateway: Serving, circuit: string) =>
          soon(circuit, circuits(gateway), (found) => found.includes(circuit))

        // Each time at another moment of the other one's second.
        for (const state of ["open", "closed", "open", "auto"]) {
          yield* change("PUT", one, "providers/well/circuit", { state })
          yield* sees(other, `well ${state === "open" ? "open" : "closed"}`)
        }

        for (let asked = 0; asked < 3; asked++) assert.strictEqual(yield* servedBy(one, "gpt-4o-mini"), "well")
        assert.include(yield* circuits(one), "ill open")
        yield* sees(other, "ill open")
        const { calls } = ill
        assert.strictEqual(yield* servedBy(other, "gpt-4o-mini"), "well")
        assert.strictEqual(ill.calls, calls)

        yield* change("PUT", other, "providers/well/circuit", { state: "open" })
        const after = yield* restarted(other, start)
        yield* after.says(/circuits from before: /)
        assert.deepStrictEqual(yield* circuits(after), ["ill open", "well open"])
        yield* sees(one, "well open")
      })
  )

  it.scopedLive(
    "know of an instance, a model and a strategy that the other one was given, and keep them over a restart",
    () =>
      Effect.gen(function* () {
        const postgres = yield* Postgres.server
        const [first, second, added] = [yield* Provider.make(), yield* Provider.make(), yield* Provider.make()]
        const start = replica(postgres.url, { first, second })
        const [one, other] = yield* Effect.all([start, start], { concurrency: 2 })
        const key = "sk-literal-that-nobody-may-read"
        const keys = () => [...added.byKey.keys()]

        yield* change("POST", one, "providers", {
          id: "added",
          provider: "openai-compatible",
          baseUrl: added.url,
          apiKey: key
        })
        yield* soon("the instance", circuits(other), (found) => found.includes("added closed"))
        yield* change("POST", one, "models", { id: "ours", targets: [{ instance: "added", model: "m" }] })
        yield* soon("the model", servedBy(other, "ours"), (by) => by === "added")
        assert.deepStrictEqual(keys(), [key])
        yield* change("PUT", other, "routing/strategy", { strategy: "round-robin" })
        yield* soon("the strategy", ask(one, "routing/strategy"), ({ strategy }) => strategy === "round-robin")

        // Of two at the same moment who can tell which came first: what was said to be changed is, and stays.
        const weights = [{ first: 7 }, { second: 9 }]
        const said = yield* Effect.forEach(
          [one, other],
          (gateway, place) =>
            wish("PUT", gateway, "routing/strategy", { strategy: "weighted", weights: weights[place] }),
          { concurrency: 2 }
        )
        const made = weights.filter((_, place) => said[place]?.status === 200)
        for (const { status, text } of said) if (status !== 200) assert.match(`${status} ${text}`, /^409 .*try again/)
        assert.isAbove(made.length, 0)
        for (const gateway of [one, other]) {
          yield* soon("the weights", ask(gateway, "routing/strategy"), (found) =>
            made.some((each) => same(found["weights"], each))
          )
        }
        yield* change("PUT", other, "routing/strategy", { strategy: "round-robin" })

        assert.deepStrictEqual(yield* rowsWith(postgres, key), [])
        // The search finds what is there.
        assert.include(yield* rowsWith(postgres, "openai-compatible"), "providers")
        const [row] = yield* postgres.ask("SELECT settings->>'apiKey' AS sealed FROM providers WHERE slug = 'added'")
        assert.isTrue(Predicate.isString(row?.["sealed"]))

        added.byKey.clear()
        const after = yield* restarted(one, start)
        yield* eventually(
          () => `the model after a restart: ${after.stdout()}`,
          Effect.filterOrFail(servedBy(after, "ours"), (by) => by === "added")
        )
        assert.deepStrictEqual(keys(), [key])
        assert.strictEqual((yield* ask(after, "routing/strategy"))["strategy"], "round-robin")

        const otherKey = "another-operators-key-of-these-tests"
        const stranger = yield* restarted(
          after,
          replica(postgres.url, { first, second }, { ORELSE_ADMIN_KEY: otherKey })
        )
        yield* stranger.says(/instances added: .* not in force \(apiKey was sealed with another ORELSE_ADMIN_KEY/)
        const { disabled, instances } = yield* ask(stranger, "providers", otherKey)
        assert.deepStrictEqual(disabled, ["added"])
        assert.deepStrictEqual(
          Array.isArray(instances) ? instances.map(Json.record).map(({ instance }) => instance) : [],
          ["first", "second"]
        )
        // The one that has the right key is not disturbed.
        assert.strictEqual(yield* servedBy(other, "ours"), "added")
        assert.notInclude(stranger.stdout() + other.stdout(), key)
      })
  )
})
