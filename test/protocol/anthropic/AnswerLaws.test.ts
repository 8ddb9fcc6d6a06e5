import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import type { ChatEvent } from "../../../src/domain/ChatEvent.js"
import * as AnswerOut from "../../../src/protocol/anthropic/AnswerOut.js"
import type { Reading } from "../../../src/protocol/Dialects.js"
import * as Json from "../../../src/protocol/Json.js"
import { answering, anyEvents, anyUsage, decoded, nothingUsed, readBack, streamed, told } from "./answering.js"
import { reading } from "../../support/turns.js"
import { eventsIn, wrong } from "./order.js"

const sizes = FastCheck.array(FastCheck.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 })

describe("any answer in Anthropic's shape", () => {
  it("is read back as what it was", () => {
    FastCheck.assert(
      FastCheck.property(anyEvents, anyUsage, (events, usage) => {
        const json = AnswerOut.encode({ id: "x", model: "m", events, usage, reportedCost: undefined }, answering())
        const back = decoded(Json.record(Json.parse(Json.stringify(json))))
        assert.deepStrictEqual(told(back?.events ?? []), told(events))
        assert.deepStrictEqual([back?.id, back?.model, back?.usage], ["x", "m", usage ?? nothingUsed])
      })
    )
  })

  it("keeps the order of events as a stream, and is read back as what it was", () => {
    FastCheck.assert(
      FastCheck.property(anyEvents, anyUsage, sizes, (all, usage, cuts) => {
        const bytes = streamed(grouped(all, cuts), usage)
        assert.deepStrictEqual(wrong(eventsIn(bytes)), [])
        const back = readBack(bytes)
        assert.deepStrictEqual(told(back.flatMap((each) => each.events)), told(all))
        assert.deepStrictEqual(back.findLast((each) => each.usage !== undefined)?.usage, usage ?? nothingUsed)
      })
    )
  })
})

/** Frames of so many events each, again and again. */
const grouped = (all: ReadonlyArray<ChatEvent>, cuts: ReadonlyArray<number>): ReadonlyArray<Reading> => {
  const out: Array<Reading> = []
  for (let at = 0; at < all.length;) {
    const end = at + (cuts[out.length % cuts.length] ?? 1)
    out.push(reading(all.slice(at, end)))
    at = end
  }
  return out
}
