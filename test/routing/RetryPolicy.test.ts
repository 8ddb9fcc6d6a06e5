import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type { RetrySettings } from "../../src/config/Settings.js"
import type { ErrorCategory } from "../../src/domain/ErrorCategory.js"
import {
  ProviderTimeout,
  type ErrorFields,
  type ProviderError,
  type TimeoutPhase
} from "../../src/domain/ProviderError.js"
import * as ProviderErrors from "../../src/domain/ProviderError.js"
import * as RetryPolicy from "../../src/routing/RetryPolicy.js"
import { instance } from "../support/settings.js"

/** 250 ms, doubling up to 8 s, without jitter, for every category that may be retried. */
const { retry } = instance("a")
const jittered: RetrySettings = { ...retry, jitter: "full" }

const plenty: RetryPolicy.Remaining = { calls: 10, ms: 600_000, wait: 0, paid: true, again: false, successor: false }

const fields = { provider: "openai", instance: "a", model: "m", message: "" }
const error = (category: ErrorCategory, more: Partial<ErrorFields> = {}): ProviderError =>
  ProviderErrors.make(category, { ...fields, ...more })
const timeout = (phase: TimeoutPhase): ProviderError => new ProviderTimeout({ ...fields, phase })

/** The delays before the calls that follow on these failures, in ms; a 0 is the end. */
const delays = (
  errors: ReadonlyArray<ProviderError>,
  settings: RetrySettings = retry,
  remaining: () => RetryPolicy.Remaining = () => plenty
): Effect.Effect<ReadonlyArray<number>> =>
  Effect.map(Schedule.run(Schedule.delays(RetryPolicy.schedule(settings, remaining)), 0, errors), (found) =>
    Chunk.toReadonlyArray(found).map((delay) => Duration.toMillis(delay))
  )

const busy = error("provider_unavailable", { status: 500 })
const times = (count: number, each: ProviderError = busy): ReadonlyArray<ProviderError> =>
  Array.from({ length: count }, () => each)

describe("the delays between calls", () => {
  it.effect("double up to the longest one", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* delays(times(8)), [250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000])
    })
  )

  it.effect("follow the base, the factor and the cap that are configured", () =>
    Effect.gen(function* () {
      const settings = { ...retry, baseDelay: 100, multiplier: 3, maxDelay: 1_000 }
      assert.deepStrictEqual(yield* delays(times(4), settings), [100, 300, 900, 1_000])
    })
  )

  it.effect("are never more than half of the time that is left", () =>
    Effect.gen(function* () {
      const left = { ...plenty, ms: 1_200 }
      assert.deepStrictEqual(yield* delays(times(4), retry, () => left), [250, 500, 600, 600])
    })
  )

  it.effect("are never shorter than the provider asks for, which the cap does not change", () =>
    Effect.gen(function* () {
      const asked = (retryAfterMs: number) => error("rate_limit", { retryAfterMs })
      assert.deepStrictEqual(
        yield* delays([asked(0), asked(3_000), asked(100), asked(60_000)]),
        [250, 3_000, 1_000, 60_000]
      )
    })
  )

  it.effect.prop(
    "with full jitter are spread between nothing and the delay, and keep what the provider asks for",
    [FastCheck.integer(), FastCheck.option(FastCheck.nat({ max: 20_000 }), { nil: undefined })],
    ([seed, retryAfterMs]) =>
      Effect.gen(function* () {
        const each = error("provider_unavailable", { retryAfterMs })
        const found = yield* delays(times(8, each), jittered).pipe(Effect.withRandom(Random.make(seed)))
        const longest = [250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]
        assert.lengthOf(found, longest.length)
        for (const [at, delay] of found.entries()) {
          assert.isAtLeast(delay, retryAfterMs ?? 0)
          assert.isAtMost(delay, Math.max(longest[at] ?? 0, retryAfterMs ?? 0))
        }
      }),
    { fastCheck: { numRuns: 30 } }
  )

  it.effect("with full jitter use the whole range", () =>
    Effect.gen(function* () {
      const seeds = Array.from({ length: 200 }, (_, seed) => seed)
      const found = yield* Effect.forEach(seeds, (seed) =>
        Effect.map(delays(times(1), jittered).pipe(Effect.withRandom(Random.make(seed))), ([delay = 0]) => delay)
      )
      assert.isBelow(Math.min(...found), 25)
      assert.isAbove(Math.max(...found), 225)
      const mean = found.reduce((sum, delay) => sum + delay, 0) / found.length
      assert.isTrue(mean > 100 && mean < 150, `the mean is ${mean}`)
    })
  )

  it.effect("end with the first failure that is not worth a call", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* delays([busy, busy, error("auth"), busy]), [250, 500, 0])
    })
  )
})

describe("another call to the same candidate", () => {
  const may = (
    failure: ProviderError,
    remaining: Partial<RetryPolicy.Remaining> = {},
    settings: RetrySettings = retry
  ) => RetryPolicy.mayRetry(failure, settings, { ...plenty, ...remaining })
  const somebody = { successor: true }

  it("follows on what may pass by itself", () => {
    for (const category of retry.on) assert.isTrue(may(error(category)), category)
  })

  it("follows on nothing else", () => {
    const categories: ReadonlyArray<ErrorCategory> = [
      "auth",
      "provider_quota_exceeded",
      "model_not_found",
      "context_length",
      "content_filter",
      "invalid_request",
      "malformed_response"
    ]
    for (const category of categories) assert.isFalse(may(error(category)), category)
  })

  it("follows on no category that is not configured, unless the provider asks for it", () => {
    for (const category of retry.on) {
      assert.isFalse(may(error(category), {}, { ...retry, on: [] }), category)
      assert.isTrue(may(error(category, { shouldRetry: true }), {}, { ...retry, on: [] }), category)
    }
  })

  it("never follows where the provider forbids it", () => {
    for (const category of retry.on) assert.isFalse(may(error(category, { shouldRetry: false })), category)
  })

  it("never follows on a refused key or an empty account, whatever the provider asks for", () => {
    for (const category of ["auth", "provider_quota_exceeded"] as const) {
      assert.isFalse(may(error(category, { shouldRetry: true })))
    }
  })

  it("needs a call and the time to wait for it", () => {
    assert.isFalse(may(busy, { calls: 0 }))
    assert.isTrue(may(busy, { calls: 1 }))
    assert.isFalse(may(error("rate_limit", { retryAfterMs: 1_000 }), { ms: 1_000 }))
    assert.isTrue(may(error("rate_limit", { retryAfterMs: 999 }), { ms: 1_000 }))
    assert.isFalse(may(busy, { ms: 0 }))
  })

  it("follows on a rate limit of up to five seconds, or on a longer one when nobody else is there", () => {
    assert.isTrue(may(error("rate_limit", { retryAfterMs: 5_000 }), somebody))
    assert.isFalse(may(error("rate_limit", { retryAfterMs: 5_001 }), somebody))
    assert.isTrue(may(error("rate_limit", { retryAfterMs: 5_001 })))
  })

  it("follows on an overload only when nobody else is there", () => {
    for (const status of [503, 529]) {
      assert.isFalse(may(error("provider_unavailable", { status }), somebody))
      assert.isTrue(may(error("provider_unavailable", { status })))
    }
    assert.isTrue(may(busy, somebody))
  })

  it("follows on a limit of time that passed only when nobody else is there, or no connection stood", () => {
    for (const phase of ["first_token", "idle", "total"] as const) {
      assert.isFalse(may(timeout(phase), somebody), phase)
      assert.isTrue(may(timeout(phase)), phase)
    }
    assert.isTrue(may(timeout("connect"), somebody))
  })

  it("never follows when the request's own time was up", () => {
    for (const phase of ["share", "deadline"] as const) assert.isFalse(may(timeout(phase)), phase)
  })
})
