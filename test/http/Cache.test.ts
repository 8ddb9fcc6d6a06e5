import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { CacheSettings } from "../../src/config/Settings.js"
import * as Replies from "../support/replies.js"
import { chain, doors, type Door, type Running } from "../support/server.js"
import { cache as noCache } from "../support/settings.js"
import * as Upstream from "../support/upstream.js"
import { ask, at, bodyOf, chat, eventsOf, streaming, type Answer } from "./asking.js"

const down = Replies.failure(503, { message: "down" })

const cached = (door: Door, cache: Partial<CacheSettings> = {}, ...script: ReadonlyArray<Upstream.Upstream>) =>
  Effect.gen(function* () {
    const upstream = yield* Upstream.make(Replies.answer("hello there"))
    const gateway = yield* chain(door, script.length === 0 ? [upstream] : script, {
      settings: { cache: { ...noCache, enabled: true, ...cache } }
    })
    return { gateway, upstream }
  })

const zero = { temperature: 0 }

const told = ({ headers, status }: Answer) => [
  status,
  ...["cache", "attempts", "cost-usd", "instance"].map((name) => headers.get(`x-orelse-${name}`)),
  headers.get("age")
]

/** The next lines of the access log, in one word each. */
const logged = ({ line }: Running, count: number) =>
  Effect.map(Effect.all(Array.from({ length: count }, () => line)), (lines) =>
    lines.map(({ attempts, cache, cost_usd }) => `${cache ?? "none"} ${attempts} ${cost_usd}`)
  )

for (const door of doors) {
  describe(`${door}: x-orelse-cache`, () => {
    it.scopedLive(
      "says miss, then hit: the same bytes under a new request id, of no calls and no cost, with an age",
      () =>
        Effect.gen(function* () {
          const { gateway, upstream } = yield* cached(door)
          const first = yield* chat(gateway, zero)
          const second = yield* chat(
            gateway,
            `{ "messages": [{"content":"hi","role":"user"}], "temperature":0.0, "model":"m"}`
          )
          assert.deepStrictEqual(told(first), [200, "miss", "1", "0.000039", "first", null])
          assert.deepStrictEqual(told(second), [200, "hit", "0", "0", "first", "0"])
          assert.deepStrictEqual(second.body, first.body)
          assert.notStrictEqual(second.headers.get("x-request-id"), first.headers.get("x-request-id"))
          assert.lengthOf(upstream.received, 1)
          assert.deepStrictEqual(yield* logged(gateway, 2), ["miss 1 0.000039", "hit 0 0"])
        })
    )

    it.scopedLive("says bypass for what the policy leaves out, and where there is no cache", () =>
      Effect.gen(function* () {
        const { gateway } = yield* cached(door)
        assert.strictEqual(told(yield* chat(gateway))[1], "bypass")
        assert.strictEqual(told(yield* chat(gateway, { temperature: 1 }))[1], "bypass")
        assert.deepStrictEqual(yield* logged(gateway, 2), ["none 1 0.000039", "none 1 0.000039"])
        const { gateway: plain } = yield* cached(door, { enabled: false })
        assert.strictEqual(told(yield* chat(plain, zero))[1], "bypass")
      })
    )

    it.scopedLive("replays a stream as it was, with its own trace", () =>
      Effect.gen(function* () {
        const { gateway, upstream } = yield* cached(door)
        const asked = { ...zero, ...streaming }
        const first = yield* chat(gateway, asked)
        const second = yield* chat(gateway, asked)
        assert.deepStrictEqual(told(first), [200, "miss", "1", null, "first", null])
        assert.deepStrictEqual(told(second), [200, "hit", "0", "0", "first", "0"])
        assert.strictEqual(second.headers.get("content-type"), first.headers.get("content-type"))
        assert.deepStrictEqual(second.body, first.body)
        const traced = eventsOf(yield* chat(gateway, asked, { "x-orelse-trace": "1" }))
        assert.deepStrictEqual(JSON.parse(traced.at(-2) ?? "").orelse, { attempts: [] })
        assert.deepStrictEqual([...traced.slice(0, -2), "[DONE]"], eventsOf(first))
        assert.lengthOf(upstream.received, 1)
        assert.deepStrictEqual(yield* logged(gateway, 3), ["miss 1 0.000039", "hit 0 0", "hit 0 0"])
        assert.strictEqual(told(yield* chat(gateway, zero))[1], "miss")
      })
    )

    it.scopedLive("keeps a stream of megabytes, and gives it to a slow reader whole", () =>
      Effect.gen(function* () {
        const frame = (n: number): Upstream.Step => Replies.frame({ content: `${n} `.repeat(2_000) })
        const long: Upstream.Reply = (asked) => [
          ...Replies.opening("first"),
          ...Array.from({ length: 400 }, (_, n) => frame(n)),
          ...Replies.answer("last")(asked).slice(2)
        ]
        const { gateway } = yield* cached(door, { maxEntryBytes: 16 * 2 ** 20 }, yield* Upstream.make(long))
        const asked = { ...zero, stream: true }
        const first = yield* chat(gateway, asked)
        assert.isAbove(first.body.length, 3_000_000)
        const second = yield* chat(gateway, asked)
        assert.strictEqual(told(second)[1], "hit")
        assert.isTrue(second.body.equals(first.body))
      })
    )

    it.scopedLive("obeys cache-control of the request", () =>
      Effect.gen(function* () {
        const { gateway, upstream } = yield* cached(door)
        const saying = (control: string) => chat(gateway, zero, { "cache-control": control })
        const none = yield* saying("only-if-cached")
        assert.deepStrictEqual(
          [none.status, at(none, "error", "code"), none.headers.get("x-should-retry")],
          [504, "not_cached", "false"]
        )
        assert.strictEqual(told(yield* saying("no-store"))[1], "bypass")
        assert.strictEqual(told(yield* saying("no-cache"))[1], "miss")
        assert.strictEqual(told(yield* saying("only-if-cached"))[1], "hit")
        assert.strictEqual(told(yield* saying("max-age=0"))[1], "miss")
        assert.strictEqual(told(yield* saying("max-age=100"))[1], "hit")
        assert.lengthOf(upstream.received, 3)
        const wrong = yield* ask(gateway, "/v1/messages", {
          method: "POST",
          headers: { "cache-control": "only-if-cached" },
          body: JSON.stringify({ model: "m", max_tokens: 9, messages: [{ role: "user", content: "hi" }] })
        })
        assert.deepStrictEqual([wrong.status, at(wrong, "type")], [504, "error"])
      })
    )

    it.scopedLive("is so for Anthropic's messages, by their headers too, and for /v1/route and embeddings", () =>
      Effect.gen(function* () {
        const { gateway } = yield* cached(door)
        const post = (path: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
          Effect.map(ask(gateway, path, { method: "POST", body: JSON.stringify(body), headers }), (answer) => ({
            answer,
            cache: `${answer.status} ${answer.headers.get("x-orelse-cache")}`
          }))
        const message = { model: "m", max_tokens: 9, messages: [{ role: "user", content: "hi" }], ...zero }
        const beta = { "anthropic-beta": "something" }
        const first = yield* post("/v1/messages", message)
        const second = yield* post("/v1/messages", message)
        assert.deepStrictEqual([first.cache, second.cache], ["200 miss", "200 hit"])
        assert.deepStrictEqual(second.answer.body, first.answer.body)
        assert.strictEqual((yield* post("/v1/messages", message, beta)).cache, "200 miss")
        assert.strictEqual((yield* post("/v1/messages", message, beta)).cache, "200 hit")
        const counted = { ...message, temperature: 0 }
        for (let n = 0; n < 2; n++) {
          assert.strictEqual((yield* post("/v1/messages/count_tokens", counted)).cache, "200 bypass")
        }
        const routed = [1, 2].map(() => post("/v1/route", { prompt: "hi", ...zero }))
        const [one, other] = yield* Effect.all(routed)
        assert.deepStrictEqual([one?.cache, other?.cache], ["200 miss", "200 hit"])
        const of = (found: typeof one) => found?.answer ?? assert.fail("no answer")
        assert.deepStrictEqual(at(of(other), "content"), at(of(one), "content"))
        assert.deepStrictEqual([at(of(other), "cost"), at(of(other), "attempts")], ["0", []])
      })
    )

    it.scopedLive("says stale when all providers fail, with a warning and an age", () =>
      Effect.gen(function* () {
        const provider = yield* Upstream.make(Replies.answer("hello"), down)
        const { gateway } = yield* cached(door, { ttl: 1, staleIfError: 60_000 }, provider)
        yield* chat(gateway, zero)
        const kept = performance.now()
        while (performance.now() - kept < 5) yield* ask(gateway, "/livez")
        const stale = yield* chat(gateway, zero)
        assert.deepStrictEqual(told(stale), [200, "stale", "1", "0", "first", "0"])
        assert.strictEqual(stale.headers.get("warning"), '110 orelse "Response is Stale"')
        assert.deepStrictEqual(yield* logged(gateway, 2), ["miss 1 0.000039", "stale 1 0"])
        assert.match(gateway.log.join("\n"), /an answer was given that had expired/)
        const fresh = yield* chat(gateway, { ...zero, seed: 1 })
        assert.deepStrictEqual([fresh.status, fresh.headers.get("warning")], [503, null])
      })
    )

    it.scopedLive("says hit for what waited for an identical request, which nobody's hanging up breaks off", () =>
      Effect.gen(function* () {
        const latch = yield* Effect.makeLatch()
        const provider = yield* Upstream.make((asked) => [{ wait: latch.await }, ...Replies.answer("hello")(asked)])
        const { gateway } = yield* cached(door, { coalesce: true }, provider)
        const leaving = new AbortController()
        const path = `${gateway.url}/v1/chat/completions`
        const first = fetch(path, { method: "POST", body: bodyOf(zero), signal: leaving.signal }).catch(() => "left")
        const received = yield* provider.next
        const others = yield* Effect.fork(
          Effect.all(
            [1, 2].map(() => chat(gateway, zero)),
            { concurrency: 2 }
          )
        )
        while ((yield* waiting(gateway)) < 3) yield* ask(gateway, "/livez")
        leaving.abort()
        assert.strictEqual(yield* Effect.promise(() => first), "left")
        yield* latch.open
        const answers = yield* others
        for (const answer of answers) assert.deepStrictEqual(told(answer), [200, "hit", "0", "0", "first", "0"])
        assert.lengthOf(provider.received, 1)
        assert.isNotEmpty(received.sent())
      })
    )
  })

  describe(`${door}: /admin/cache`, () => {
    it.scopedLive("tells what the cache holds and has saved, and takes it all away", () =>
      Effect.gen(function* () {
        const { gateway } = yield* cached(door)
        const empty = yield* ask(gateway, "/admin/cache/stats")
        assert.deepStrictEqual([at(empty, "enabled"), at(empty, "entries"), at(empty, "hit_ratio")], [true, 0, null])
        for (let n = 0; n < 3; n++) yield* chat(gateway, zero)
        const stats = yield* ask(gateway, "/admin/cache/stats")
        const fields = ["entries", "hits", "misses", "hit_ratio", "stale_hits", "coalesced", "evictions", "saved_usd"]
        assert.deepStrictEqual(
          fields.map((field) => at(stats, field)),
          [1, 2, 1, 0.6667, 0, 0, 0, "0.000078"]
        )
        assert.isAbove(Number(at(stats, "bytes")), 100)
        const cleared = yield* ask(gateway, "/admin/cache", { method: "DELETE" })
        assert.deepStrictEqual(at(cleared), { cleared: 1 })
        assert.match(gateway.log.join("\n"), /an operator cleared the cache: 1 answers are gone/)
        assert.strictEqual(told(yield* chat(gateway, zero))[1], "miss")
      })
    )
  })
}

/** Requests that wait for an answer, as far as the cache knows. */
const waiting = (gateway: Running) =>
  Effect.map(ask(gateway, "/admin/cache/stats"), (stats) => Number(at(stats, "misses")))
