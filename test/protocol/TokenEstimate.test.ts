import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as RequestIn from "../../src/protocol/anthropic/RequestIn.js"
import * as TokenEstimate from "../../src/protocol/TokenEstimate.js"

const estimate = (messages: unknown, more: object = {}) => {
  const json = { model: "m", messages, ...more }
  const decoded = RequestIn.decodeCountRequest(Buffer.from(JSON.stringify(json)), json)
  return Effect.flatMap(decoded, TokenEstimate.ofRequest)
}

const says = (...content: ReadonlyArray<object>) => [{ role: "user", content }]
const text = (words: string) => ({ type: "text", text: words })
const source = { type: "base64", media_type: "image/png", data: "aGk=" }

describe("an estimate of tokens", () => {
  it.effect("counts a text as a tokenizer does, and a little for the message around it", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* estimate([]), 0)
      assert.strictEqual(yield* estimate(says(text("Hello world"))), 2 + 4)
    })
  )

  it.effect("is higher for Claude, whose tokens are shorter", () =>
    Effect.gen(function* () {
      const words = says(text("one two three four ".repeat(100)))
      const plain = yield* estimate(words)
      const claude = yield* estimate(words, { model: "claude-x" })
      assert.closeTo(claude / plain, 1.15, 0.01)
    })
  )

  it.effect("grows with every kind of part, with tools and with the system prompt", () =>
    Effect.gen(function* () {
      const least = yield* estimate(says(text("a")))
      const more = [
        says(text("a"), { type: "image", source }),
        says(text("a"), { type: "document", source }),
        says(text("a"), { type: "document", source: { type: "text", data: "a few words" } }),
        says(text("a"), { type: "thinking", thinking: "hm", signature: "s" }),
        says(text("a"), { type: "tool_use", id: "t", name: "look", input: { at: 1 } }),
        says(text("a"), { type: "tool_result", tool_use_id: "t", content: "seen" })
      ]
      for (const messages of more) assert.isAbove(yield* estimate(messages), least)
      assert.isAbove(yield* estimate(says(text("a")), { system: "Be brief." }), least)
      assert.isAbove(yield* estimate(says(text("a")), { tools: [{ name: "look", description: "Looks." }] }), least)
    })
  )

  it.effect("does not hold up everybody else for a text that a tokenizer takes seconds for", () =>
    Effect.gen(function* () {
      const started = performance.now()
      assert.strictEqual(yield* estimate(says(text("a".repeat(200_000)))), 50_000 + 4)
      assert.strictEqual(yield* estimate(says(text(`${"b".repeat(999)} `.repeat(300)))), 75_000 + 4)
      assert.isBelow(performance.now() - started, 1_000)
    })
  )

  it.effect("knows no words that are commands to a tokenizer", () =>
    Effect.gen(function* () {
      assert.isAbove(yield* estimate(says(text("<|endoftext|>"))), 5)
    })
  )

  it.effect("refuses what is nested beyond reading", () =>
    Effect.gen(function* () {
      const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`
      const input = `{"type":"tool_use","id":"t","name":"look","input":{"a":${deep}}}`
      const body = `{"model":"m","messages":[{"role":"assistant","content":[${input}]}]}`
      const request = Either.getOrThrow(RequestIn.decodeCountRequest(Buffer.from(body), JSON.parse(body)))
      const error = yield* Effect.flip(TokenEstimate.ofRequest(request))
      assert.strictEqual(error._tag, "RequestRejected")
    })
  )
})
