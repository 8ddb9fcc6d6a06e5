import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import type { JsonObject } from "../../../src/protocol/Dialects.js"
import * as AnswerIn from "../../../src/protocol/openai/AnswerIn.js"
import { isRegular } from "../../../src/protocol/openai/Regular.js"
import * as Repair from "../../../src/protocol/openai/Repair.js"

const call = { id: "c", type: "function", function: { name: "f", arguments: "{}" } }

const good = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1_700_000_000,
  model: "m",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: "hi", refusal: null, annotations: [], tool_calls: [call] },
      logprobs: null,
      finish_reason: "stop"
    }
  ],
  usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, prompt_tokens_details: { cached_tokens: 0 } }
}

const incoming = { realm: "#a", fresh: (prefix: string) => `${prefix}1` }

const repaired = (json: JsonObject): JsonObject =>
  Repair.answer(json, AnswerIn.decode(json, incoming)?.events ?? [], { ...incoming, model: "m", created: 7 })

/** Every place in a value, as a path. */
const places = (value: unknown, path: ReadonlyArray<string> = []): ReadonlyArray<ReadonlyArray<string>> =>
  typeof value !== "object" || value === null
    ? [path]
    : [path, ...Object.entries(value).flatMap(([key, child]) => places(child, [...path, key]))]

const put = (value: unknown, [key, ...rest]: ReadonlyArray<string>, there: unknown): unknown => {
  if (key === undefined) return there
  if (Array.isArray(value)) return value.map((each, at) => (String(at) === key ? put(each, rest, there) : each))
  return { ...Object(value), [key]: put(Reflect.get(Object(value), key), rest, there) }
}

describe("an answer that is plainly in OpenAI's shape", () => {
  it("is told from the others", () => {
    assert.isTrue(isRegular(good))
    assert.isFalse(isRegular({ ...good, usage: null }))
  })

  it("is never one that would be repaired, whatever stands at whichever place", () => {
    const odd = FastCheck.constantFrom<unknown>(null, undefined, "", 0, -1, [], {}, "x", [null], [{}], 1e12, true)
    const anywhere = FastCheck.constantFrom(...places(good).filter((path) => path.length > 0))
    FastCheck.assert(
      FastCheck.property(anywhere, odd, (path, there) => {
        const json: JsonObject = Object(put(good, path, there))
        assert.isTrue(!isRegular(json) || repaired(json) === json)
      }),
      { numRuns: 3_000 }
    )
  })
})
