import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { Pricing } from "../../src/ledger/Pricing.js"
import { Unpriced, type UnpricedModel } from "../../src/ledger/Unpriced.js"
import { instance } from "../support/settings.js"

interface Line {
  readonly level: string
  readonly text: string
  readonly about: Readonly<Record<string, unknown>>
}

/** What a program logs, and what it gives. */
const logged = <A>(program: Effect.Effect<A, never, Pricing | Unpriced>) =>
  Effect.suspend(() => {
    const lines: Array<Line> = []
    const logger = Logger.make(({ annotations, logLevel, message }) => {
      const about = Object.fromEntries(HashMap.toEntries(annotations))
      lines.push({ level: logLevel.label, text: String(message), about })
    })
    const layer = Pricing.layer.pipe(Layer.provideMerge(Logger.replace(Logger.defaultLogger, logger)))
    return Effect.map(Effect.provide(program, layer), (value) => ({ value, lines }))
  })

const usage = { input: 10, cacheRead: 0, cacheWrite: 0, output: 5, reasoning: 0 }
const [known, unknown, other] = [
  instance("a", { provider: "openai" }),
  instance("b", { provider: "openai-compatible", baseUrl: "http://127.0.0.1:1/v1" }),
  instance("c", { provider: "openai-compatible", baseUrl: "http://127.0.0.1:1/v1" })
]

describe("a call without a known price", () => {
  it.effect("is a warning in the log once for each model of an instance", () =>
    Effect.gen(function* () {
      const { lines } = yield* logged(
        Effect.gen(function* () {
          const { charge } = yield* Pricing
          for (const made of [known, unknown, other, unknown]) {
            for (const model of ["gpt-4o", "x"]) charge(made, [model, "y"], usage, 0)
          }
          yield* Effect.yieldNow()
        })
      )
      assert.deepStrictEqual(
        lines.map(({ about }) => [about["instance"], about["model"]]),
        [
          ["a", "x"],
          ["b", "gpt-4o"],
          ["b", "x"],
          ["c", "gpt-4o"],
          ["c", "x"]
        ]
      )
      for (const { level, text } of lines) {
        assert.strictEqual(level, "WARN")
        assert.match(text, /price unknown.*pricing/)
      }
    })
  )

  it.effect("is in the list with all that were made since the first", () =>
    Effect.gen(function* () {
      const { value } = yield* logged(
        Effect.gen(function* () {
          const { charge } = yield* Pricing
          for (const at of [1_000, 2_000, 3_000]) assert.isUndefined(charge(unknown, ["x"], usage, at))
          charge(other, ["x"], usage, 4_000)
          assert.isDefined(charge(known, ["gpt-4o"], usage, 5_000))
          return (yield* Unpriced).list()
        })
      )
      assert.deepStrictEqual(value, [
        { instance: "b", model: "x", calls: 3, since: 1_000 },
        { instance: "c", model: "x", calls: 1, since: 4_000 }
      ])
    })
  )

  it.effect("is nothing but a question where a cost is only estimated", () =>
    Effect.gen(function* () {
      const { lines, value } = yield* logged(
        Effect.gen(function* () {
          const pricing = yield* Pricing
          pricing.cost(unknown, ["x"], usage, 0)
          pricing.most(unknown, ["x"], { input: 1, output: 1, audio: false, hour: false }, 0)
          return (yield* Unpriced).list()
        })
      )
      assert.deepStrictEqual([lines, value], [[], []])
    })
  )

  it.effect("is told to who listens, when it is the first, until that ends", () =>
    Effect.gen(function* () {
      const heard: Array<UnpricedModel> = []
      const { lines } = yield* logged(
        Effect.gen(function* () {
          const { listen, met } = yield* Unpriced
          const fail = listen(() => {
            throw new Error("a bug")
          })
          const end = listen((model) => heard.push(model))
          met(unknown, "x", 1)
          met(unknown, "x", 2)
          fail()
          end()
          met(unknown, "y", 3)
          yield* Effect.yieldNow()
        })
      )
      assert.deepStrictEqual(heard, [{ instance: "b", model: "x", calls: 1, since: 1 }])
      assert.deepStrictEqual(
        lines.map(({ level }) => level),
        ["WARN", "ERROR", "WARN"]
      )
    })
  )

  it.effect("takes no memory without end, whatever models callers think of", () =>
    Effect.gen(function* () {
      const { lines, value } = yield* logged(
        Effect.gen(function* () {
          const { list, met } = yield* Unpriced
          for (let turn = 0; turn < 3_000; turn++) met(unknown, `m${turn}`, turn)
          met(unknown, "m7", 9_999)
          yield* Effect.yieldNow()
          return list()
        })
      )
      assert.deepStrictEqual([value.length, lines.length], [1_000, 1_000])
      assert.deepStrictEqual(value[7], { instance: "b", model: "m7", calls: 2, since: 7 })
    })
  )
})
