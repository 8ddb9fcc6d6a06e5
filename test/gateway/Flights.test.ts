import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import type { GatewayError } from "../../src/domain/GatewayError.js"
import { Flights, type Shared } from "../../src/gateway/Flights.js"
import * as Call from "../../src/provider/Call.js"

/** Flights whose one answer comes by hand; a part is told by who has it. */
const flying = Effect.map(Effect.runtime<never>(), (runtime) => {
  const givenUp: Array<string> = []
  let stopped = 0
  let land: ((outcome: Call.Outcome<Shared<string, string>, GatewayError>) => void) | undefined
  const flights = new Flights<string, string>(runtime, (part) => givenUp.push(part))
  const start = (): Call.Start<Shared<string, string>, GatewayError> => (goOn) => {
    land = goOn
    return () => {
      stopped++
    }
  }
  return {
    givenUp,
    stopped: () => stopped,
    join: (who: string) => flights.join("key", who, start),
    land: () => land?.(Either.right({ join: (who) => who, abandon: () => {} }))
  }
})

describe("who leaves what several wait for", () => {
  it.effect("gives up a part when it is there, once it was told and before it is held", () =>
    Effect.gen(function* () {
      const { givenUp, join, land, stopped } = yield* flying
      const fibers = yield* Effect.forEach(["first", "second", "third"], (who) => Effect.fork(Call.run(join(who))))
      yield* Effect.yieldNow()
      land()
      for (const fiber of fibers.slice(0, 2)) fiber.unsafeInterruptAsFork(FiberId.none)
      const exits = yield* Effect.forEach(fibers, Fiber.await)
      assert.deepStrictEqual(exits.map(Exit.isInterrupted), [true, true, false])
      assert.deepStrictEqual([givenUp, stopped()], [["first", "second"], 0])
    })
  )

  it.effect("gives up a part that it got late, when others had theirs", () =>
    Effect.gen(function* () {
      const { givenUp, join, land } = yield* flying
      const had: Array<string> = []
      join("first")((part) => had.push(Either.getOrThrow(Either.mapLeft(part, () => new Error("no part")))))
      land()
      let holding = ""
      const leave = join("late")((part) => {
        holding = Either.isRight(part) ? part.right : ""
      })
      assert.deepStrictEqual([had, holding, givenUp], [["first"], "late", []])
      leave()
      assert.deepStrictEqual(givenUp, ["late"])
    })
  )

  it.effect("is told nothing any more, also when it leaves while others are told", () =>
    Effect.gen(function* () {
      const { givenUp, join, land } = yield* flying
      join("first")(() => leaveSecond())
      const leaveSecond = join("second")(() => assert.fail("it has left"))
      land()
      assert.deepStrictEqual(givenUp, ["second"])
    })
  )
})
