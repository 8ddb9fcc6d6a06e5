import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import type { Attempt } from "../../src/domain/Attempt.js"
import { attemptsOf } from "../../src/domain/GatewayError.js"
import { Gateway } from "../../src/gateway/Gateway.js"
import * as AnswerText from "../../src/protocol/AnswerText.js"
import * as Simulated from "../../src/provider/SimulatedReply.js"
import { Simulator } from "../../src/provider/Simulator.js"
import { request } from "../support/gateway.js"
import { routing } from "../support/settings.js"
import { calls, reading, scripted, textOf } from "../support/streaming.js"

/** What a provider may do; what it says is its own name, so that nobody's words can be taken for another's. */
const behaviours: Readonly<Record<string, (id: string) => Simulated.SimulatedReply>> = {
  answers: (id) => Simulated.answer(said(id)),
  "breaks off": (id) => Simulated.brokenOff(said(id)),
  stalls: (id) => Simulated.stalled(said(id)),
  "stalls before a word": () => Simulated.stalled(""),
  "breaks off before a word": () => Simulated.brokenOff(""),
  hangs: () => Simulated.hang,
  resets: () => Simulated.reset,
  "is overloaded": () => Simulated.unavailable,
  fails: () => Simulated.serverError,
  "refuses the key": () => Simulated.unauthorized,
  garbles: () => Simulated.garbled,
  limits: () => Simulated.rateLimited(),
  "limits for 2 s": () => Simulated.rateLimited(2_000),
  "limits for 40 s": () => Simulated.rateLimited(40_000),
  "finds it wrong": () => Simulated.failure(400, { message: "no", type: "invalid_request_error" })
}

const said = (id: string): string => Array.from({ length: 5 }, () => id).join(" ")

const ids = ["a", "b", "c"]
const maxAttempts = 5
const deadline = 60_000
const settings = { routing: { ...routing, deadline, maxAttempts } } as const

/** For each provider what it does at its first call, its second, and so on. */
const script = FastCheck.array(FastCheck.constantFrom(...Object.keys(behaviours)), { minLength: 1, maxLength: 3 })
const scripts = FastCheck.tuple(script, script, script)

/** Enough to open circuits and to heal them. */
const longScript = FastCheck.array(FastCheck.constantFrom(...Object.keys(behaviours)), { minLength: 1, maxLength: 12 })
const longScripts = FastCheck.tuple(longScript, longScript, longScript)
const requests = { minLength: 4, maxLength: 10 }

const following = (names: ReadonlyArray<ReadonlyArray<string>>) => ({
  settings,
  scripts: Object.fromEntries(
    ids.map((id, at) => [id, (names[at] ?? []).flatMap((name) => behaviours[name]?.(id) ?? [])])
  )
})

/** The calls that were made are the attempts that are told of, within every bound, and never back in the chain. */
const assertBounded = (attempts: ReadonlyArray<Attempt>, asked: ReadonlyArray<readonly [string, number, number]>) => {
  assert.isAtMost(attempts.length, maxAttempts)
  const order = attempts.map(({ instance }) => instance)
  assert.deepStrictEqual(order, order.toSorted())
  for (const [id, all, aborted] of asked) {
    const own = attempts.filter(({ instance }) => instance === id)
    assert.strictEqual(own.length, all)
    assert.isAtMost(all, 3)
    assert.isAtLeast(aborted, own.filter(({ category }) => category === "timeout").length)
  }
  for (const { ms, startedAt } of attempts) assert.isAtMost(startedAt, deadline - ms)
}

describe("whatever three providers do", () => {
  it.effect.prop(
    "a whole answer is one provider's, or a failure that tells of every call, within the deadline",
    [scripts],
    ([names]) =>
      scripted(
        following(names),
        Effect.gen(function* () {
          const service = yield* Gateway
          const fiber = yield* Effect.fork(Effect.either(service.complete(request())))
          yield* TestClock.adjust(deadline)
          const outcome = yield* Option.getOrThrow(yield* Fiber.poll(fiber))
          const asked = yield* calls(...ids)
          if (outcome._tag === "Left") return assertBounded(attemptsOf(outcome.left), asked)
          const { answer, attempts, fallback, instance } = outcome.right
          assertBounded(attempts, asked)
          assert.strictEqual(AnswerText.textOf(answer), said(instance))
          assert.deepStrictEqual(
            attempts.map(({ outcome: end }) => end),
            [...attempts.slice(1).map(() => "failure" as const), "success"]
          )
          assert.strictEqual(fallback, instance !== "a")
        })
      ),
    { fastCheck: { numRuns: 30 }, timeout: 60_000 }
  )

  it.effect.prop(
    "a stream is one provider's words from their beginning, and ends clean only when they are complete",
    [scripts],
    ([names]) =>
      scripted(
        following(names),
        Effect.gen(function* () {
          const { events, exit } = yield* reading()
          yield* TestClock.adjust("10 minutes")
          const end = (yield* exit) ?? assert.fail("it has not ended")
          const asked = yield* calls(...ids)
          const text = textOf(events)
          const speaker = text.slice(0, 1)
          assert.isTrue(said(speaker).startsWith(text))
          assert.strictEqual(Exit.isSuccess(end), text !== "" && events.at(-1)?._tag === "End")
          if (Exit.isSuccess(end)) return assert.strictEqual(text, said(speaker))
          const failure = yield* Effect.flip(end)
          const attempts = attemptsOf(failure)
          if (text === "") return assertBounded(attempts, asked)
          assert.strictEqual(failure._tag, "ProviderFailed")
          assert.deepInclude(attempts.at(-1), { instance: speaker, outcome: "failure" })
        })
      ),
    { fastCheck: { numRuns: 30 }, timeout: 60_000 }
  )

  it.effect.prop(
    "many requests in a row are each one provider's or fail within their bounds, and all comes back when it is well again",
    [longScripts, FastCheck.array(FastCheck.tuple(FastCheck.nat(15_000), FastCheck.boolean()), requests)],
    ([names, arrivals]) =>
      scripted(
        following(names),
        Effect.gen(function* () {
          const service = yield* Gateway
          const fibers = yield* Effect.forEach(arrivals, ([gap, leaves]) =>
            Effect.gen(function* () {
              const startedAt = (yield* Effect.clock).unsafeCurrentTimeMillis()
              const fiber = yield* Effect.fork(Effect.either(service.complete(request())))
              yield* TestClock.adjust(gap)
              if (leaves) yield* Fiber.interrupt(fiber)
              return { startedAt, fiber }
            })
          )
          yield* TestClock.adjust(deadline)
          let [told, allTold] = [0, true]
          for (const { fiber, startedAt } of fibers) {
            const exit = Option.getOrThrow(yield* Fiber.poll(fiber))
            if (Exit.isFailure(exit)) {
              assert.isTrue(Exit.isInterrupted(exit))
              allTold = false
              continue
            }
            const outcome = exit.value
            const attempts = outcome._tag === "Left" ? attemptsOf(outcome.left) : outcome.right.attempts
            told += attempts.length
            assert.isAtMost(attempts.length, maxAttempts)
            for (const { ms, startedAt: at } of attempts) assert.isAtMost(at + ms, startedAt + deadline)
            if (outcome._tag === "Right") {
              assert.strictEqual(AnswerText.textOf(outcome.right.answer), said(outcome.right.instance))
            } else if (outcome.left._tag === "NobodyAvailable") assert.isEmpty(attempts)
          }
          if (allTold) assert.strictEqual(told, yield* made)
          else assert.isAtMost(told, yield* made)

          const simulator = yield* Simulator
          for (const id of ids) yield* simulator.script(id, Simulated.answer(said(id)))
          // No circuit is open for longer than a spent key's hour.
          yield* TestClock.adjust("2 hours")
          for (let time = 0; time < 3; time++) {
            const fiber = yield* Effect.fork(service.complete(request()))
            yield* TestClock.adjust("1 second")
            assert.strictEqual((yield* Fiber.join(fiber)).instance, "a")
          }
        })
      ),
    { fastCheck: { numRuns: 100 }, timeout: 120_000 }
  )
})

/** Calls to everybody so far. */
const made = Effect.map(calls(...ids), (each) => each.reduce((sum, [, all]) => sum + all, 0))
