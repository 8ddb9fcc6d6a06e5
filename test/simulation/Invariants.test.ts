import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Simulation from "../../src/simulation/Simulation.js"
import type { Ended } from "../../src/simulation/Callers.js"
import { worldOf, type World } from "./world.js"

const seeds = 100

/** What a request did that it must not do. */
const violation = (ended: Ended, world: World): string | undefined => {
  const { attempts, failure, firstToken, total } = ended
  const { calls, deadline, maxAttempts } = world
  if (attempts.length > maxAttempts) return "more calls than the plan allows"
  const candidates = attempts.map(({ instance, model }) => `${instance}/${model}`)
  if (candidates.some((each) => candidates.filter((other) => other === each).length > calls)) {
    return "more calls to one candidate than it allows"
  }
  // To its commit or its end. What runs later than a timer at the same time is a rounding away from it.
  if (failure !== "broken_stream" && (firstToken ?? total) > deadline * 1000 + 1) return "later than its deadline"
  return failure === undefined ? wrongAnswer(ended, world) : needless(ended, world)
}

/** An answer is what one call gave, after failures and beside at most one hedge; another may have begun it. */
const wrongAnswer = ({ attempts, instance }: Ended, { hedged }: World): string | undefined => {
  const [given, ...more] = attempts.filter(({ outcome }) => outcome === "success")
  const givenUp = attempts.filter(({ outcome }) => outcome === "cancelled").length
  if (given === undefined || more.length > 0) return "an answer that not exactly one call gave"
  if (givenUp > (hedged ? 1 : 0)) return `${givenUp} calls given up`
  const begun =
    given.continuedAt === undefined
      ? given.instance === instance
      : attempts.some((each) => each.continuedAt === undefined && each.instance === instance)
  return begun ? undefined : "an answer of somebody else"
}

/** Somebody was well all the time, and had time enough: only a stream that had begun elsewhere could fail. */
const needless = ({ arrival, failure, instance }: Ended, { share, sound }: World): string | undefined => {
  if (sound === undefined || failure === "caller_hung_up") return undefined
  if (failure === "broken_stream" && instance !== sound) return undefined
  const takes = 200 + (arrival.streamed ? 0 : 5 * arrival.size.answer)
  return takes >= share ? undefined : `${failure}, although ${sound} was well`
}

describe("whatever happens to three providers", () => {
  it.effect(
    `${seeds} times 1,000 requests are answered when anybody could answer them, within their bounds, and nothing is left of them`,
    () =>
      Effect.gen(function* () {
        const failures = new Set<string>()
        const violations = new Set<string>()
        let requests = 0
        for (let seed = 1; seed <= seeds; seed++) {
          const world = worldOf(seed)
          const [only = assert.fail("nothing to run")] = world.scenario.compared
          const left = yield* Simulation.run(world.scenario, only, {
            circuit: () => {},
            ended: (ended) => {
              requests++
              const wrong = violation(ended, world)
              if (wrong !== undefined) violations.add(`seed ${seed}: ${wrong}`)
              if (ended.failure !== undefined) failures.add(ended.failure)
            }
          })
          assert.deepStrictEqual(
            left,
            { fibers: 0, timers: 0, exchanges: 0, trials: 0, places: 0, reserved: 0 },
            `seed ${seed}`
          )
        }
        assert.deepStrictEqual([...violations], [])
        assert.isAtLeast(requests, seeds * 950)
        // The worlds are as bad as they are meant to be.
        assert.includeMembers(
          [...failures],
          ["broken_stream", "caller_hung_up", "fallback_exhausted", "no_provider_available", "deadline_exceeded"]
        )
      }),
    120_000
  )
})
