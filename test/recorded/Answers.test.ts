import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { isDeepStrictEqual } from "node:util"
import { fromUsd } from "../../src/domain/Money.js"
import { total } from "../../src/domain/Usage.js"
import { complete, stream, type Call } from "../support/calls.js"
import { instance } from "../support/settings.js"
import { replaying } from "../support/wires.js"
import { cases, note } from "./cases.js"
import { touchedInVain } from "./touched.js"

const provider = instance("a", { provider: "openai-compatible", baseUrl: "http://127.0.0.1:8000/v1" })

const whole = cases.filter(({ streaming }) => !streaming)

const statusIn = (body: Buffer): unknown => {
  const { code, status } = Object(Either.getOrUndefined(Either.try(() => JSON.parse(body.toString()).error)))
  return [status, code].find((value) => typeof value === "number")
}

describe(`recorded answers${note}`, () => {
  for (const { body, category, file, headers, status } of whole.filter((each) => each.category === undefined)) {
    it.effect(`${file} is an answer, passed on as it came but for its repairs, with what it used`, () =>
      Effect.gen(function* () {
        const half = Math.floor(body.length / 2)
        const wires = replaying(status, headers, body.subarray(0, half), body.subarray(half))
        const { answer, status: seen } = yield* complete(wires, provider)
        const { model, usage } = JSON.parse(body.toString())
        assert.isUndefined(category)
        assert.deepStrictEqual([answer.model, seen], [model, status])
        const [before, after] = [body, Buffer.from(answer.body)].map((bytes) => JSON.parse(bytes.toString()))
        assert.deepStrictEqual(touchedInVain(before, after), [])
        // Whoever writes JSON anew loses more than its spaces.
        if (isDeepStrictEqual(before, after)) assert.isTrue(body.equals(answer.body))
        assert.strictEqual(answer.usage && total(answer.usage), usage?.total_tokens)
        assert.strictEqual(answer.reportedCost, usage?.cost === undefined ? undefined : fromUsd(usage.cost))
      })
    )
  }
})

describe(`recorded failures${note}`, () => {
  const calls: ReadonlyArray<Call> = [complete, stream]
  for (const { body, category, file, headers, status } of whole.filter((each) => each.category !== undefined)) {
    it.effect(`${file} is ${category}, whether or not a stream was asked for`, () =>
      Effect.gen(function* () {
        const errors = yield* Effect.forEach(calls, (call) =>
          Effect.flip(call(replaying(status, headers, body), provider))
        )
        const named = errors.map((error) => [error.category, error.status, error.instance, error.model])
        // An error inside a 200 may name the status that it should have had.
        const expected = [category, status === 200 ? (statusIn(body) ?? 200) : status, "a", "m"]
        assert.deepStrictEqual(named, [expected, expected])
      })
    )
  }

  it("are all known by name", () => {
    const unknown = whole.filter(({ category, status }) => status >= 300 && category === undefined)
    assert.deepStrictEqual(
      unknown.map(({ file }) => file),
      []
    )
  })
})
