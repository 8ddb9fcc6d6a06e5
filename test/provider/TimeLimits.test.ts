import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import type { ProviderError } from "../../src/domain/ProviderError.js"
import type { HardLimit } from "../../src/provider/Watchdog.js"
import { calling, drained } from "../support/calls.js"
import { chunk, comment, cut, role, says, stop, textOf, usageOnly } from "../support/chunks.js"
import { instance } from "../support/settings.js"
import { json, network, type Wire } from "../support/wires.js"

/** connect 5 s, first token 30 s, idle 60 s, total 600 s */
const provider = instance("a")

type Move = readonly [Duration.DurationInput, (wire: Wire) => void]

interface Setup {
  readonly stream: boolean
  readonly limit?: HardLimit
  /** What the provider does, each so long after the move before it. */
  readonly moves?: ReadonlyArray<Move>
}

/** Runs one call on the test clock; how it ends is looked at with `after`. */
const started = ({ limit, moves = [], stream }: Setup) =>
  Effect.gen(function* () {
    const net = network()
    const { call, provider: made } = yield* calling(provider, net.transport, { stream }, limit && { limit })
    const text = stream
      ? Effect.flatMap(made.stream(call), drained).pipe(
          Effect.map(({ bytes, error }) => ({ text: textOf(bytes), error }))
        )
      : Effect.as(made.complete(call), { text: "answered", error: undefined })
    const outcome = yield* Deferred.make<{ readonly text: string; readonly error: ProviderError | undefined }>()
    const fiber = yield* Effect.fork(
      Effect.flatMap(Effect.either(text), (end) =>
        Deferred.succeed(outcome, Either.isLeft(end) ? { text: "", error: end.left } : end.right)
      )
    )
    yield* TestClock.adjust(0)
    for (const [after, move] of moves) {
      yield* TestClock.adjust(after)
      move(net.only())
      yield* TestClock.adjust(0)
    }
    const after = (duration: Duration.DurationInput) =>
      Effect.gen(function* () {
        yield* TestClock.adjust(duration)
        const end = Option.getOrUndefined(yield* Effect.flatMap(Deferred.poll(outcome), Effect.transposeOption))
        const { error } = end ?? {}
        return {
          text: end?.text,
          ends: end === undefined ? "not yet" : error === undefined ? "clean" : error.category,
          phase: error?._tag === "ProviderTimeout" ? error.phase : undefined,
          aborted: net.only().aborted
        }
      })
    return { after, fiber }
  })

/** Passes a limit by a ms: until then nothing has ended. */
const passes = (
  setup: Setup,
  limit: Duration.DurationInput,
  expected: { readonly phase: string; readonly text?: string }
) =>
  Effect.gen(function* () {
    const { after, fiber } = yield* started(setup)
    const before = yield* after(Duration.subtract(limit, "1 millis"))
    assert.deepStrictEqual([before.ends, before.aborted], ["not yet", false])
    const { aborted, ends, phase, text } = yield* after("1 millis")
    assert.deepStrictEqual([ends, phase, aborted, text], ["timeout", expected.phase, true, expected.text ?? ""])
    yield* Fiber.interrupt(fiber)
  })

const opened: Move = [0, (wire) => wire.open()]
const sends = (after: Duration.DurationInput, ...chunks: ReadonlyArray<Buffer>): Move => [
  after,
  (wire) => wire.send(...chunks)
]
const committed = sends(0, role, says("hi"))
const ping = Buffer.from('event: ping\ndata: {"type":"ping"}\n\n')
const repeat = (times: number, ...moves: ReadonlyArray<Move>): ReadonlyArray<Move> =>
  Array.from({ length: times }, () => moves).flat()

describe("connect", () => {
  for (const stream of [true, false]) {
    it.effect(`passes when no connection comes to stand (${stream ? "streamed" : "buffered"})`, () =>
      passes({ stream }, "5 seconds", { phase: "connect" })
    )
  }
})

describe("first_token", () => {
  it.effect("passes when a connection stands and nothing comes", () =>
    passes({ stream: true, moves: [["4 seconds", (wire) => wire.incoming.onConnected()]] }, "26 seconds", {
      phase: "first_token"
    })
  )

  it.effect("does not take comments, pings and empty deltas for a token", () => {
    const moves = [opened, ...repeat(4, sends("5 seconds", comment, role), sends(0, ping, chunk({}), usageOnly))]
    return passes({ stream: true, moves }, "10 seconds", { phase: "first_token" })
  })

  it.effect("passes when an error answer never ends", () => {
    const moves: ReadonlyArray<Move> = [[0, (wire) => wire.open(500, json)], sends("29 seconds", role)]
    return passes({ stream: true, moves }, "1 seconds", { phase: "first_token" })
  })

  it.effect("does not bound a buffered answer", () =>
    Effect.gen(function* () {
      const { after } = yield* started({ stream: false, moves: [[0, (wire) => wire.open(200, json)]] })
      assert.strictEqual((yield* after("5 minutes")).ends, "not yet")
    })
  )
})

describe("idle", () => {
  it.effect("passes when a stream says nothing more, and what it said is there", () =>
    passes({ stream: true, moves: [opened, committed] }, "60 seconds", { phase: "idle", text: "hi" })
  )

  it.effect("begins anew with each token", () =>
    passes({ stream: true, moves: [opened, committed, ...repeat(3, sends("59 seconds", says("!")))] }, "60 seconds", {
      phase: "idle",
      text: "hi!!!"
    })
  )

  it.effect("does not take comments and pings for a token", () =>
    passes(
      { stream: true, moves: [opened, committed, ...repeat(5, sends("10 seconds", comment), sends(0, ping))] },
      "10 seconds",
      {
        phase: "idle",
        text: "hi"
      }
    )
  )

  it.effect("does not take comments for a token however they are cut", () => {
    const pieces = cut(Buffer.concat([comment, comment, comment]), [3]).map((piece) => sends("1 second", piece))
    return passes({ stream: true, moves: [opened, committed, ...pieces] }, Duration.seconds(60 - pieces.length), {
      phase: "idle",
      text: "hi"
    })
  })

  it.effect("ends a stream clean that stalls after its finish", () =>
    Effect.gen(function* () {
      const { after } = yield* started({ stream: true, moves: [opened, committed, sends(0, stop, usageOnly)] })
      assert.strictEqual((yield* after("59999 millis")).ends, "not yet")
      const { aborted, ends, text } = yield* after("1 millis")
      assert.deepStrictEqual([ends, text, aborted], ["clean", "hi", true])
    })
  )

  it.effect("does not end a stream clean while another choice has not finished", () => {
    const second = chunk({ content: "b" }, null, {}, 1)
    return passes({ stream: true, moves: [opened, sends(0, role, second, stop)] }, "60 seconds", {
      phase: "idle",
      text: "b"
    })
  })
})

describe("total", () => {
  it.effect("bounds a stream that never stops talking", () =>
    passes({ stream: true, moves: [opened, committed, ...repeat(11, sends("50 seconds", says("!")))] }, "50 seconds", {
      phase: "total",
      text: `hi${"!".repeat(11)}`
    })
  )

  it.effect("bounds a buffered answer that never comes", () =>
    passes({ stream: false, moves: [[0, (wire) => wire.open(200, json)]] }, "600 seconds", { phase: "total" })
  )
})

describe("what the request leaves to an attempt", () => {
  for (const phase of ["share", "deadline"] as const) {
    const limit: HardLimit = { at: 12_000, phase }
    it.effect(`${phase} bounds a buffered answer, and a stream that has said nothing`, () =>
      Effect.gen(function* () {
        yield* passes({ stream: false, limit, moves: [[0, (wire) => wire.open(200, json)]] }, "12 seconds", { phase })
        const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
        const later = { at: now + 12_000, phase }
        yield* passes({ stream: true, limit: later, moves: [opened, sends(0, role)] }, "12 seconds", { phase })
      })
    )

    it.effect(`${phase} ends at the commit of a stream`, () => {
      const moves = [opened, committed, ...repeat(11, sends("50 seconds", says("!")))]
      return passes({ stream: true, limit, moves }, "50 seconds", { phase: "total", text: `hi${"!".repeat(11)}` })
    })
  }

  const late: HardLimit = { at: 40_000, phase: "share" }
  const connected: Move = [0, (wire) => wire.incoming.onConnected()]

  it.effect("is no excuse for a buffered answer of which not a byte came in the time for a first token", () =>
    passes({ stream: false, limit: late, moves: [connected] }, "40 seconds", { phase: "first_token" })
  )

  it.effect("is one for an answer that had begun, or where the whole request had no more time", () =>
    Effect.gen(function* () {
      const begun: Move = ["35 seconds", (wire) => wire.incoming.onHead(200, json)]
      yield* passes({ stream: false, limit: late, moves: [connected, begun] }, "5 seconds", { phase: "share" })
      const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
      const limit: HardLimit = { at: now + 40_000, phase: "deadline" }
      yield* passes({ stream: false, limit, moves: [connected] }, "40 seconds", { phase: "deadline" })
    })
  )

  it.effect("does not move the limits of the instance that come first", () =>
    passes({ stream: true, limit: { at: 20_000, phase: "share" } }, "5 seconds", { phase: "connect" })
  )
})
