import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import { isDeepStrictEqual } from "node:util"
import { fromUsd } from "../../src/domain/Money.js"
import { total } from "../../src/domain/Usage.js"
import { drained, stream } from "../support/calls.js"
import { cut, sizes } from "../support/chunks.js"
import { instance } from "../support/settings.js"
import { replaying } from "../support/wires.js"
import { cases, note, type Case } from "./cases.js"
import { touchedInVain } from "./touched.js"

const provider = instance("a", { provider: "openai-compatible", baseUrl: "http://127.0.0.1:8000/v1" })

/** Whole, byte by byte, and cut at random; the seed is fixed so that a failure stays. */
const cuts: ReadonlyArray<ReadonlyArray<number>> = [
  [Number.MAX_SAFE_INTEGER],
  [1],
  ...FastCheck.sample(sizes, { numRuns: 3, seed: 7 })
]

/** The data of each frame, read with nothing of the gateway's. */
const dataOf = (bytes: Buffer): ReadonlyArray<string> =>
  bytes
    .toString()
    .split(/\r?\n\r?\n/)
    .flatMap((frame) => /^data: ?(.*)$/m.exec(frame)?.[1] ?? [])

/** What of a recording is an answer: its JSON, up to its end or its error. */
const chunksOf = ({ body }: Case): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (const data of dataOf(body)) {
    if (data === "[DONE]") break
    const parsed = Either.try(() => JSON.parse(data))
    if (Either.isLeft(parsed) || parsed.right.error !== undefined) break
    found.push(data)
  }
  return found
}

/** What a recording says of itself in the end. */
const reported = (chunks: ReadonlyArray<string>) => {
  const parsed = chunks.map((data) => JSON.parse(data))
  const usages = parsed.flatMap(({ usage, x_groq }) => usage ?? x_groq?.usage ?? [])
  const { cost, cost_in_usd_ticks: ticks, total_tokens: tokens } = usages.at(-1) ?? {}
  return {
    tokens,
    cost: ticks !== undefined ? BigInt(ticks) * 100n : cost === undefined ? undefined : fromUsd(cost),
    model: parsed.map(({ model }) => model).find((model) => model !== "")
  }
}

const replay = ({ body, headers, status }: Case, pieces: ReadonlyArray<number>, include_usage: boolean) =>
  Effect.gen(function* () {
    const wires = replaying(status, headers, ...cut(body, pieces))
    const opened = yield* Effect.either(stream(wires, provider, { stream_options: { include_usage } }))
    if (Either.isLeft(opened)) return { released: Buffer.alloc(0), error: opened.left, seen: undefined }
    const { bytes, error } = yield* drained(opened.right)
    const usage = opened.right.usage()
    const seen = {
      tokens: usage && total(usage),
      cost: opened.right.reportedCost(),
      model: opened.right.model()
    }
    return { released: bytes, error, seen }
  })

const hides = (data: string): boolean => {
  const { choices, usage } = JSON.parse(data)
  return choices.length === 0 && usage !== undefined && usage !== null
}

/** A chunk without the null that stands where there is no usage. */
const withoutNull = (data: string): unknown => {
  const { usage, ...rest } = JSON.parse(data)
  return usage === null || usage === undefined ? rest : { ...rest, usage }
}

const parsed = (data: string): unknown => JSON.parse(data)

/** The arguments of a call that has none. */
const isAdded = ([data]: ReadonlyArray<string>): boolean => {
  const [call, ...more] = data === undefined ? [] : (JSON.parse(data).choices[0]?.delta?.tool_calls ?? [])
  return (
    more.length === 0 &&
    isDeepStrictEqual(Object.keys(call ?? {}), ["index", "function"]) &&
    call.function.arguments === "{}"
  )
}

const isAsItCame = (frame: string, chunks: ReadonlyArray<string>): boolean => {
  const values = dataOf(Buffer.from(frame)).map(parsed)
  return values.every((value) => chunks.some((chunk) => isDeepStrictEqual(parsed(chunk), value)))
}

const assertSame = (shown: ReadonlyArray<unknown>, sent: ReadonlyArray<unknown>): void => {
  assert.strictEqual(shown.length, sent.length)
  assert.deepStrictEqual(
    sent.flatMap((chunk, position) => touchedInVain(chunk, shown[position])),
    []
  )
}

describe(`recorded streams${note}`, () => {
  for (const recorded of cases.filter(({ streaming }) => streaming)) {
    const { body, category, file } = recorded
    const chunks = chunksOf(recorded)

    it.effect(`${file}: every chunk arrives in its order and bytes but for its repairs, however it is cut`, () =>
      Effect.gen(function* () {
        for (const pieces of cuts) {
          const { error, released, seen } = yield* replay(recorded, pieces, true)
          assert.strictEqual(error?.category, category)
          const frames = released
            .toString()
            .split(/(?<=\n\r?\n)/)
            .filter((frame) => !isAdded(dataOf(Buffer.from(frame))))
          assertSame(frames.flatMap((frame) => dataOf(Buffer.from(frame))).map(parsed), chunks.map(parsed))
          for (const frame of frames) if (isAsItCame(frame, chunks)) assert.isTrue(body.includes(frame), frame)
          if (seen !== undefined) assert.deepStrictEqual(seen, reported(chunks))
        }
      })
    )

    it.effect(`${file}: of usage that nobody asked for nothing is shown, and all is read`, () =>
      Effect.gen(function* () {
        for (const pieces of cuts) {
          const { released, seen } = yield* replay(recorded, pieces, false)
          const shown = dataOf(released)
          assert.isEmpty(shown.filter((data) => hides(data) || JSON.parse(data).usage === null))
          assertSame(
            shown.filter((data) => !isAdded([data])).map(parsed),
            chunks.filter((data) => !hides(data)).map(withoutNull)
          )
          if (seen !== undefined) assert.deepStrictEqual(seen, reported(chunks))
        }
      })
    )
  }
})
