import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Duration from "effect/Duration"
import * as TestClock from "effect/TestClock"
import type { InstanceSettings, Settings } from "../../src/config/Settings.js"
import type { CatchRule } from "../../src/domain/ErrorCategory.js"
import { Gateway } from "../../src/gateway/Gateway.js"
import { textOf } from "../../src/protocol/AnswerText.js"
import * as Simulated from "../../src/provider/SimulatedReply.js"
import { Simulator } from "../../src/provider/Simulator.js"
import { gateway, request } from "../support/gateway.js"
import { instance, model, routing, settings } from "../support/settings.js"

type Script = ReadonlyArray<Simulated.SimulatedReply>

interface Setup {
  readonly scripts: Readonly<Record<string, Script>>
  readonly request?: Readonly<Record<string, unknown>>
  readonly instances?: Readonly<Record<string, Partial<InstanceSettings>>>
  readonly catch?: Readonly<Record<string, ReadonlyArray<CatchRule>>>
  readonly settings?: Partial<Settings>
  /** How far the clock is moved before the outcome is looked at. */
  readonly within?: Duration.DurationInput
}

/** Runs one request against scripted providers, in their order, on the test clock. */
const outcome = (setup: Setup) => {
  const ids = Object.keys(setup.scripts)
  const configured = settings({
    instances: ids.map((id) => instance(id, setup.instances?.[id])),
    models: [
      model(
        "m",
        ids.map((id) => ({ instance: id, model: `${id}-m`, catch: setup.catch?.[id] }))
      )
    ],
    ...setup.settings
  })
  return Effect.gen(function* () {
    const simulator = yield* Simulator
    for (const [id, script] of Object.entries(setup.scripts)) yield* simulator.script(id, ...script)
    const service = yield* Gateway
    const fiber = yield* Effect.fork(Effect.exit(service.complete(request(setup.request))))
    yield* TestClock.adjust(setup.within ?? "2 minutes")
    const exit = yield* Effect.flatten(Fiber.poll(fiber))
    const asked: Record<string, number> = {}
    for (const id of ids) asked[id] = (yield* simulator.requests(id)).length
    const bodies = Object.fromEntries(
      yield* Effect.forEach(ids, (id) =>
        Effect.map(simulator.requests(id), (all) => [id, all.map(({ body }) => body)] as const)
      )
    )
    return { exit: Exit.flatten(exit), asked, bodies }
  }).pipe(Effect.provide(gateway(configured)))
}

/** The reply of a request that was answered. */
const reply = (setup: Setup) =>
  Effect.flatMap(outcome(setup), ({ asked, bodies, exit }) =>
    Effect.map(exit, (value) => ({ ...value, asked, bodies }))
  )

/** The error of a request that was not. */
const failure = (setup: Setup) =>
  Effect.flatMap(outcome(setup), ({ asked, exit }) => Effect.map(Effect.flip(exit), (error) => ({ error, asked })))

const ok = [Simulated.answer("hello")]

describe("which candidate answers", () => {
  it.effect("the first one, in one call, when it can", () =>
    Effect.gen(function* () {
      const {
        answer,
        asked,
        attempts,
        fallback,
        instance: served,
        model: servedModel
      } = yield* reply({
        scripts: { a: ok, b: ok }
      })
      assert.strictEqual(textOf(answer), "hello")
      assert.deepStrictEqual(asked, { a: 1, b: 0 })
      assert.deepStrictEqual([served, servedModel, fallback, attempts.length], ["a", "a-m", false, 1])
    })
  )

  const movesOn: ReadonlyArray<readonly [string, Simulated.SimulatedReply, string, number]> = [
    ["a refused key", Simulated.unauthorized, "auth", 1],
    ["an overload (503)", Simulated.unavailable, "provider_unavailable", 1],
    ["an overload (529)", Simulated.failure(529, { message: "Overloaded" }), "provider_unavailable", 1],
    ["an answer that is no JSON", Simulated.garbled, "malformed_response", 1],
    ["a spent account", Simulated.failure(402, { message: "no credit" }), "provider_quota_exceeded", 1],
    ["an unknown model", Simulated.failure(404, { message: "no", code: "model_not_found" }), "model_not_found", 1],
    ["a server error, after its retries", Simulated.serverError, "provider_unavailable", 3],
    ["a reset connection, after its retries", Simulated.reset, "network", 3]
  ]
  for (const [what, script, category, calls] of movesOn) {
    it.effect(`the next one after ${what}`, () =>
      Effect.gen(function* () {
        const { asked, attempts, fallback, instance: served } = yield* reply({ scripts: { a: [script], b: ok } })
        assert.deepStrictEqual([served, fallback, asked["a"], asked["b"]], ["b", true, calls, 1])
        assert.strictEqual(attempts[0]?.category, category)
      })
    )
  }

  it.effect("nobody else after a request that the provider calls wrong", () =>
    Effect.gen(function* () {
      const wrong = Simulated.failure(400, { message: "temperature is too high", type: "invalid_request_error" })
      const { asked, error } = yield* failure({ scripts: { a: [wrong], b: ok } })
      assert.strictEqual(error._tag, "ProviderFailed")
      assert.deepStrictEqual(asked, { a: 1, b: 0 })
    })
  )

  it.effect("the same one again when a server error passes", () =>
    Effect.gen(function* () {
      const { asked, fallback } = yield* reply({ scripts: { a: [Simulated.serverError, ...ok], b: ok } })
      assert.deepStrictEqual([asked, fallback], [{ a: 2, b: 0 }, false])
    })
  )
})

describe("how long a candidate is waited for", () => {
  it.effect("a short rate limit is waited for as long as the provider asked", () =>
    Effect.gen(function* () {
      const scripts = { a: [Simulated.rateLimited(3_000), ...ok], b: ok }
      const early = yield* outcome({ scripts, within: "2900 millis" }).pipe(Effect.option)
      assert.strictEqual(early._tag, "None")
      const { asked, attempts } = yield* reply({ scripts })
      assert.deepStrictEqual(asked, { a: 2, b: 0 })
      const [first, second] = attempts
      assert.isAtLeast((second?.startedAt ?? 0) - (first?.startedAt ?? 0), 3_100)
    })
  )

  it.effect("a long rate limit is not waited for while somebody else can answer", () =>
    Effect.gen(function* () {
      const { asked, instance: served } = yield* reply({
        scripts: { a: [Simulated.rateLimited(6_000)], b: ok },
        within: "1 second"
      })
      assert.deepStrictEqual([asked, served], [{ a: 1, b: 1 }, "b"])
    })
  )

  it.effect("a long rate limit is waited for when nobody else is there", () =>
    Effect.gen(function* () {
      const { asked } = yield* reply({ scripts: { a: [Simulated.rateLimited(40_000), ...ok] } })
      assert.deepStrictEqual(asked, { a: 2 })
    })
  )

  it.effect("a rate limit beyond the deadline fails at once and says when to come back", () =>
    Effect.gen(function* () {
      const { asked, error } = yield* failure({ scripts: { a: [Simulated.rateLimited(300_000)] }, within: "1 second" })
      assert.deepStrictEqual(asked, { a: 1 })
      assert.isTrue(error._tag === "ProviderFailed" && error.error.retryAfterMs === 300_000)
    })
  )

  it.effect("an overload is retried with back-off when nobody else is there", () =>
    Effect.gen(function* () {
      const { asked, attempts } = yield* reply({
        scripts: { a: [Simulated.unavailable, Simulated.unavailable, ...ok] }
      })
      assert.deepStrictEqual(asked, { a: 3 })
      const starts = attempts.map(({ startedAt }) => startedAt)
      assert.deepStrictEqual(starts, [0, 350, 950])
    })
  )

  it.effect("x-should-retry: false forbids a second try at the same candidate", () =>
    Effect.gen(function* () {
      const never = Simulated.failure(500, { message: "no" }, { "x-should-retry": "false" })
      const { asked } = yield* reply({ scripts: { a: [never], b: ok } })
      assert.deepStrictEqual(asked, { a: 1, b: 1 })
    })
  )

  it.effect("a refused key is not tried again even when nobody else is there", () =>
    Effect.gen(function* () {
      const { asked } = yield* failure({ scripts: { a: [Simulated.unauthorized] } })
      assert.deepStrictEqual(asked, { a: 1 })
    })
  )
})

describe("one deadline and one cap for the whole request", () => {
  it.effect("retries of the first never take the last one's attempt", () =>
    Effect.gen(function* () {
      const { asked } = yield* failure({
        scripts: { a: [Simulated.serverError], b: [Simulated.serverError], c: [Simulated.serverError] },
        settings: { routing: { ...routing, maxAttempts: 4 } }
      })
      assert.deepStrictEqual(asked, { a: 2, b: 1, c: 1 })
    })
  )

  it.effect("candidates beyond the cap are left out of the plan", () =>
    Effect.gen(function* () {
      const { asked } = yield* failure({
        scripts: { a: [Simulated.unavailable], b: [Simulated.unavailable], c: ok },
        settings: { routing: { ...routing, maxAttempts: 2 } }
      })
      assert.deepStrictEqual(asked, { a: 1, b: 1, c: 0 })
    })
  )

  it.effect("a provider that hangs leaves the next one its share of the deadline", () =>
    Effect.gen(function* () {
      const { attempts, instance: served } = yield* reply({
        scripts: { a: [Simulated.hang], b: ok },
        settings: { routing: { ...routing, deadline: 30_000 } }
      })
      assert.strictEqual(served, "b")
      assert.deepStrictEqual([attempts[0]?.category, attempts[0]?.ms], ["timeout", 20_000])
    })
  )

  it.effect("when every provider hangs the request ends with its deadline", () =>
    Effect.gen(function* () {
      const setup: Setup = {
        scripts: { a: [Simulated.hang], b: [Simulated.hang] },
        settings: { routing: { ...routing, deadline: 30_000 } }
      }
      const early = yield* outcome({ ...setup, within: "29999 millis" }).pipe(Effect.option)
      assert.strictEqual(early._tag, "None")
      const { error } = yield* failure({ ...setup, within: "30 seconds" })
      assert.strictEqual(error._tag, "DeadlineExceeded")
      assert.strictEqual(error._tag === "DeadlineExceeded" ? error.attempts.length : 0, 2)
    })
  )
})

describe("what is said when nobody answers", () => {
  it.effect("every attempt, and the earliest time that a provider named", () =>
    Effect.gen(function* () {
      const { error } = yield* failure({
        scripts: {
          a: [Simulated.rateLimited(90_000)],
          b: [Simulated.rateLimited(400_000)],
          c: [Simulated.unauthorized]
        }
      })
      assert.strictEqual(error._tag, "FallbackExhausted")
      if (error._tag !== "FallbackExhausted") return
      assert.deepStrictEqual(
        error.attempts.map(({ category, instance: id, status }) => [id, category, status]),
        [
          ["a", "rate_limit", 429],
          ["b", "rate_limit", 429],
          ["c", "auth", 401]
        ]
      )
      assert.isTrue(error.retryable)
      assert.isAtMost(error.retryAfterMs ?? Infinity, 90_000)
    })
  )

  it.effect("that trying again is pointless when only keys were refused", () =>
    Effect.gen(function* () {
      const { error } = yield* failure({ scripts: { a: [Simulated.unauthorized], b: [Simulated.unauthorized] } })
      assert.isTrue(error._tag === "FallbackExhausted" && !error.retryable)
    })
  )

  it.effect("the failure itself when only one candidate is there", () =>
    Effect.gen(function* () {
      const { error } = yield* failure({ scripts: { a: [Simulated.unauthorized] } })
      assert.isTrue(error._tag === "ProviderFailed" && error.error._tag === "AuthFailed")
    })
  )
})

describe("catch", () => {
  it.effect("passes candidates over that do not catch the failure", () =>
    Effect.gen(function* () {
      const { asked, instance: served } = yield* reply({
        scripts: { a: [Simulated.unauthorized], b: ok, c: ok },
        catch: { b: ["rate_limit"], c: ["auth"] }
      })
      assert.deepStrictEqual([asked, served], [{ a: 1, b: 0, c: 1 }, "c"])
    })
  )

  it.effect("ends the chain with the failure itself when none of the rest catches it", () =>
    Effect.gen(function* () {
      const { asked, error } = yield* failure({
        scripts: { a: [Simulated.unauthorized], b: ok },
        catch: { b: ["rate_limit"] }
      })
      assert.deepStrictEqual(asked, { a: 1, b: 0 })
      assert.strictEqual(error._tag, "ProviderFailed")
    })
  )

  it.effect("`all` also opens after a wrong request", () =>
    Effect.gen(function* () {
      const wrong = Simulated.failure(400, { message: "no", type: "invalid_request_error" })
      const { instance: served } = yield* reply({ scripts: { a: [wrong], b: ok }, catch: { b: ["all"] } })
      assert.strictEqual(served, "b")
    })
  )
})

describe("the request's own fallback chain", () => {
  const fallback = (providers: ReadonlyArray<object>, fields: object = {}) => ({ fallback: { providers, ...fields } })

  it.effect("replaces every configured target after the first", () =>
    Effect.gen(function* () {
      const {
        asked,
        instance: served,
        model: servedModel
      } = yield* reply({
        scripts: { a: [Simulated.unavailable], b: ok, c: ok },
        request: fallback([{ provider: "c", model_name: "other" }])
      })
      assert.deepStrictEqual([asked, served, servedModel], [{ a: 1, b: 0, c: 1 }, "c", "other"])
    })
  )

  it.effect("max_retries_per_provider n allows n + 1 calls to each", () =>
    Effect.gen(function* () {
      const { asked } = yield* failure({
        scripts: { a: [Simulated.serverError], b: [Simulated.serverError] },
        request: fallback([{ provider: "b", model_name: "x" }], { max_retries_per_provider: 1 })
      })
      assert.deepStrictEqual(asked, { a: 2, b: 2 })
    })
  )

  it.effect("overrides max_tokens and temperature for its entry alone, and never reaches a provider", () =>
    Effect.gen(function* () {
      const { bodies } = yield* reply({
        scripts: { a: [Simulated.unavailable], b: ok },
        request: {
          max_tokens: 10,
          seed: 7,
          ...fallback([{ provider: "b", model_name: "x", max_tokens: 99, temperature: 0.5, base_url: null }])
        }
      })
      const messages = [{ role: "user", content: "hi" }]
      assert.deepStrictEqual(bodies["a"], [{ model: "a-m", messages, max_tokens: 10, seed: 7 }])
      assert.deepStrictEqual(bodies["b"], [{ model: "x", messages, max_tokens: 99, seed: 7, temperature: 0.5 }])
    })
  )

  it.effect("enabled: false asks the first candidate only", () =>
    Effect.gen(function* () {
      const { asked } = yield* failure({
        scripts: { a: [Simulated.unavailable], b: ok },
        request: fallback([{ provider: "b", model_name: "x" }], { enabled: false, max_retries_per_provider: 0 })
      })
      assert.strictEqual(asked["b"], 0)
    })
  )

  it.effect("an address that the operator does not allow is refused before anybody is asked", () =>
    Effect.gen(function* () {
      for (const base_url of ["http://evil.example/v1", "http://simulated.invalid.evil.example", "nonsense"]) {
        const { asked, error } = yield* failure({
          scripts: { a: ok, b: ok },
          request: fallback([{ provider: "b", model_name: "x", base_url }])
        })
        assert.strictEqual(error._tag, "RequestRejected")
        assert.strictEqual(error._tag === "RequestRejected" ? error.param : "", "fallback.providers[0].base_url")
        assert.deepStrictEqual(asked, { a: 0, b: 0 })
      }
    })
  )
})
