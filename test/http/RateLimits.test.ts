import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import OpenAI from "openai"
import type { CallerLimitSettings } from "../../src/config/Settings.js"
import * as HeaderTimes from "../../src/protocol/HeaderTimes.js"
import * as Replies from "../support/replies.js"
import { chain, doors, type Door, type Overrides, type Running } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { ask, chat, streaming } from "./asking.js"

const running = (
  door: Door,
  rateLimits: ReadonlyArray<CallerLimitSettings>,
  first: Overrides["first"] = {}
): Effect.Effect<Running, never, Scope.Scope> =>
  Effect.flatMap(Upstream.make(Replies.answer("hello")), (upstream) =>
    chain(door, [upstream], { first, settings: { rateLimits } })
  )

const messages = (gateway: Running, fields: object = {}) =>
  ask(gateway, "/v1/messages", {
    method: "POST",
    headers: { "content-type": "application/json", "anthropic-version": "2023-06-01" },
    body: JSON.stringify({ model: "m", max_tokens: 10, messages: [{ role: "user", content: "hi" }], ...fields })
  })

const told = (headers: Headers, kind: "requests" | "tokens") =>
  ["limit", "remaining", "reset"].map((what) => headers.get(`x-ratelimit-${what}-${kind}`))

const errorOf = (body: Buffer): Record<string, unknown> => JSON.parse(body.toString()).error

const waitingAt = (gateway: Running): Effect.Effect<number> =>
  Effect.map(ask(gateway, "/admin/limits"), ({ body }) => JSON.parse(body.toString()).limits[0].used_by[0].waiting)

for (const door of doors) {
  describe(`${door}: a caller with a limit`, () => {
    it.scopedLive("hears with each answer what is left, and at last a 429 that says when to come back", () =>
      Effect.gen(function* () {
        const gateway = yield* running(door, [{ scope: "global", requestsPerMinute: 2, tokensPerMinute: 9_000 }])
        const first = yield* chat(gateway, { max_tokens: 100 })
        assert.strictEqual(first.status, 200)
        const [limit, remaining, reset] = told(first.headers, "requests")
        assert.deepStrictEqual([limit, remaining], ["2", "1"])
        assert.approximately(HeaderTimes.duration(reset) ?? 0, 30_000, 100)
        assert.strictEqual(told(first.headers, "tokens")[0], "9000")
        assert.isAbove(Number(told(first.headers, "tokens")[1]), 8_800)
        const second = yield* chat(gateway, streaming)
        assert.deepStrictEqual([second.status, told(second.headers, "requests")[1]], [200, "0"])
        const third = yield* chat(gateway)
        assert.deepStrictEqual(
          [third.status, third.headers.get("retry-after"), third.headers.get("x-orelse-attempts")],
          [429, "30", "0"]
        )
        assert.strictEqual(told(third.headers, "requests")[1], "0")
        assert.deepInclude(errorOf(third.body), {
          type: "rate_limit_error",
          code: "rate_limit_exceeded",
          message: "the limit of 2 requests a minute for all callers together is reached; try again in 30 s"
        })
      })
    )

    it.scopedLive("hears it in Anthropic's words too where Anthropic's path was called", () =>
      Effect.gen(function* () {
        const gateway = yield* running(door, [{ scope: "user:*", requestsPerMinute: 1 }])
        const ann = { metadata: { user_id: "ann" } }
        const first = yield* messages(gateway, ann)
        assert.strictEqual(first.status, 200)
        assert.deepStrictEqual(
          ["limit", "remaining"].map((what) => first.headers.get(`anthropic-ratelimit-requests-${what}`)),
          ["1", "0"]
        )
        const reset = first.headers.get("anthropic-ratelimit-requests-reset") ?? ""
        assert.match(reset, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
        assert.approximately(Date.parse(reset) - Date.now(), 60_000, 2_000)
        assert.isNull(first.headers.get("anthropic-ratelimit-tokens-limit"))
        const second = yield* messages(gateway, ann)
        assert.strictEqual(second.status, 429)
        assert.deepInclude(errorOf(second.body), { type: "rate_limit_error", code: "rate_limit_exceeded" })
        assert.strictEqual((yield* messages(gateway, { metadata: { user_id: "bob" } })).status, 200)
        const chatted = yield* chat(gateway, { user: "ann" })
        assert.strictEqual(chatted.status, 429)
        assert.isNull(chatted.headers.get("anthropic-ratelimit-requests-limit"))
      })
    )

    it.scopedLive("hears that a request is larger than its limit ever allows, and need not try again", () =>
      Effect.gen(function* () {
        const gateway = yield* running(door, [{ scope: "global", tokensPerMinute: 500 }])
        const { body, headers, status } = yield* chat(gateway, { max_tokens: 4_000 })
        assert.deepStrictEqual(
          [status, headers.get("x-should-retry"), headers.get("retry-after")],
          [413, "false", null]
        )
        assert.match(
          String(errorOf(body)["message"]),
          /^the request takes about \d+ tokens, and all callers together may/
        )
        assert.strictEqual((yield* messages(gateway, { max_tokens: 4_000 })).status, 413)
      })
    )

    it.scopedLive("hears nothing of limits where there are none", () =>
      Effect.gen(function* () {
        const gateway = yield* running(door, [])
        const { headers } = yield* chat(gateway)
        assert.deepStrictEqual(
          [...headers.keys()].filter((name) => name.includes("ratelimit")),
          []
        )
      })
    )

    it.scopedLive("leaves the line when it hangs up", () =>
      Effect.gen(function* () {
        const gateway = yield* running(door, [
          { scope: "global", requestsPerMinute: 1, queue: { max: 5, timeout: 60_000 } }
        ])
        yield* chat(gateway)
        const waiting = yield* Effect.fork(chat(gateway))
        const length = waitingAt(gateway)
        yield* Effect.repeat(length, { until: (found) => found === 1 })
        yield* Fiber.interrupt(waiting)
        yield* Effect.repeat(gateway.line, { until: ({ status }) => status === 499 })
        assert.strictEqual(yield* length, 0)
      })
    )

    it.scopedLive("is told 429 when the providers were asked as much as they may be", () =>
      Effect.gen(function* () {
        const gateway = yield* running(door, [], { rateLimit: { requestsPerMinute: 1 } })
        assert.strictEqual((yield* chat(gateway)).status, 200)
        const { body, headers, status } = yield* chat(gateway)
        assert.deepStrictEqual([status, headers.get("retry-after")], [429, "60"])
        assert.deepInclude(errorOf(body), {
          code: "rate_limit_exceeded",
          message: "every provider of 'm' has reached its limit of requests or tokens a minute"
        })
      })
    )

    it.scopedLive("is named in the row of its request", () =>
      Effect.gen(function* () {
        const gateway = yield* running(door, [])
        const { headers } = yield* chat(gateway, { user: `ann\u0000${"n".repeat(1_000)}` })
        yield* gateway.line
        const { body } = yield* ask(gateway, `/admin/requests/${headers.get("x-request-id")}`)
        assert.strictEqual(JSON.parse(body.toString()).user, `ann\ufffd${"n".repeat(252)}`)
      })
    )
  })
}

describe("a caller that waits when the gateway shuts down", () => {
  it.scopedLive("is refused at once, and does not hold it up", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const limits = [{ scope: "global", requestsPerMinute: 1, queue: { max: 5, timeout: 60_000 } }]
      const gateway = yield* Scope.extend(running("standalone", limits), scope)
      yield* chat(gateway)
      const waiting = yield* Effect.fork(chat(gateway))
      yield* Effect.repeat(waitingAt(gateway), { until: (found) => found === 1 })
      yield* Scope.close(scope, Exit.void)
      const { headers, status } = yield* Fiber.join(waiting)
      assert.strictEqual(status, 429)
      assert.isAbove(Number(headers.get("retry-after")), 30)
    })
  )
})

describe("GET /admin/limits", () => {
  it.scopedLive("says what is left of each limit, and who has used it", () =>
    Effect.gen(function* () {
      const gateway = yield* running(
        "standalone",
        [
          { scope: "user:*", requestsPerMinute: 60 },
          { scope: "user:bob", requestsPerMinute: 600, tokensPerMinute: 6_000 },
          { scope: "caller", tokensPerMinute: 10_000 }
        ],
        { rateLimit: { requestsPerMinute: 600 } }
      )
      for (const user of ["ann", "ann", "bob", "eve"]) yield* chat(gateway, { user })
      const { body } = yield* ask(gateway, "/admin/limits")
      const [instance, users, bob, callers] = JSON.parse(body.toString()).limits
      assert.deepInclude(instance, { scope: "instance:first", requests_per_minute: 600, tokens_per_minute: null })
      assert.deepInclude(instance.used_by[0], { id: "instance:first", tokens: null, waiting: 0 })
      assert.approximately(instance.used_by[0].requests.remaining, 597, 2)
      assert.deepStrictEqual(
        users.used_by.map((row: { readonly id: string }) => row.id),
        ["user:ann", "user:eve"]
      )
      assert.deepStrictEqual(
        bob.used_by.map((row: { readonly id: string }) => row.id),
        ["user:bob"]
      )
      assert.strictEqual(callers.used_by.length, 3)
    })
  )
})

describe("OpenAI's own client", () => {
  it.scopedLive("tries again when the 429 says so, and is served", () =>
    Effect.gen(function* () {
      const gateway = yield* running("standalone", [{ scope: "global", requestsPerMinute: 60, burst: 1 }])
      const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "k", maxRetries: 1 })
      const asking = Effect.promise(() =>
        client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "hi" }] })
      )
      yield* asking
      const { choices } = yield* asking
      assert.strictEqual(choices[0]?.message.content, "hello")
      assert.deepStrictEqual(
        gateway.lines.map(({ status }) => status),
        [200, 429, 200]
      )
    })
  )
})
