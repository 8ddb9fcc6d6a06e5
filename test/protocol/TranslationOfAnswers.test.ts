import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import type { ChatEvent } from "../../src/domain/ChatEvent.js"
import type { Dialect, FrontDialect } from "../../src/domain/Dialect.js"
import * as AnswerText from "../../src/protocol/AnswerText.js"
import type { Reading } from "../../src/protocol/Dialects.js"
import { fronts } from "../../src/protocol/Fronts.js"
import * as Readings from "../../src/protocol/Readings.js"
import * as Translation from "../../src/protocol/Translation.js"
import { answering } from "../support/machine.js"
import { frontDialects, passedWhole } from "../support/passing.js"
import { exchanges } from "./exchanges.js"

const body = '{"model":"m","max_tokens":5,"messages":[],"input":"a","prompt":"a"}'

/** A provider's bytes as the caller gets them. */
const decode = (front: FrontDialect, back: Dialect, bytes: string | Buffer, realm = "anthropic") => {
  const request = Either.getOrThrow(fronts[front].decodeRequest(Buffer.from(body), JSON.parse(body)))
  return Translation.decodeAnswer(request, back, Buffer.from(bytes), () => answering({ realm }))
}

const failureOf = (front: FrontDialect, back: Dialect, bytes: string) =>
  Either.getOrThrow(Either.flip(decode(front, back, bytes))).category

const pairs = frontDialects.flatMap((front) => exchanges.map(({ back }) => [back, front] as const))

describe("a whole answer", () => {
  it.each(pairs)("of %s to a caller of %s is a failure where it is no answer", (back, front) => {
    for (const junk of ["", "<html>", "[]", "7", "null", "{}", '{"unknown":1}', '{"half":', '{"choices":[]}']) {
      assert.strictEqual(failureOf(front, back, junk), "malformed_response", junk)
    }
    assert.strictEqual(failureOf(front, back, '{"error":{"message":"Overloaded","code":503}}'), "provider_unavailable")
  })

  it.each(["openai-completions", "openai-embeddings", "anthropic-count-tokens"] as const)(
    "of %s is passed on when it has what it must have",
    (dialect) => {
      const good = {
        "openai-completions": '{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2},"n":1e400}',
        "openai-embeddings": '{"data":[],"model":"m-2","usage":{"prompt_tokens":3,"total_tokens":3}}',
        "anthropic-count-tokens": '{"input_tokens":3}'
      }
      const answer = Either.getOrThrow(decode(dialect, dialect, good[dialect]))
      assert.strictEqual(Buffer.from(answer.body).toString(), good[dialect])
      const counted = { "openai-completions": [3, 2], "openai-embeddings": [3, 0], "anthropic-count-tokens": undefined }
      assert.deepStrictEqual(answer.usage && [answer.usage.input, answer.usage.output], counted[dialect])
      for (const other of Object.values(good).filter((text) => text !== good[dialect])) {
        assert.strictEqual(failureOf(dialect, dialect, other), "malformed_response")
      }
    }
  )

  it("of Anthropic to its own caller is the very bytes, of another endpoint with its seals marked", () => {
    const text = ' {"content":[{"type":"thinking","thinking":"a","signature":"s"}], "n": 12345678901234567890}\n'
    const decoded = (realm: string) =>
      Either.getOrThrow(decode("anthropic-messages", "anthropic-messages", text, realm))
    assert.strictEqual(Buffer.from(decoded("anthropic").body).toString(), text)
    const marked = Buffer.from(decoded("mine").body).toString()
    assert.include(marked, '"signature":"orelse~mine~s"')
    assert.include(marked, '"n":12345678901234567890')
  })

  it.each(pairs)("of %s to a caller of %s shows its text to whoever wants no more", (back, front) => {
    const whole = exchanges.find((exchange) => exchange.back === back)?.whole
    assert.strictEqual(AnswerText.textOf(Either.getOrThrow(passedWhole(front, back, whole))), "Hello 世界")
  })
})

describe("a stream that a program reads", () => {
  it.each([
    ["openai-chat", "openrouter"],
    ["anthropic-messages", "anthropic"]
  ] as const)("in the dialect of %s says whose each seal is", (front, native) => {
    const events: ReadonlyArray<ChatEvent> = [native, "gemini", "mine"].flatMap((origin) => [
      { _tag: "Reasoning", index: 0, text: origin },
      { _tag: "Signature", index: 0, seal: { origin, value: "s" } }
    ])
    const writer = fronts[front].writer({ ...answering(), includeUsage: false })
    const frames = events.flatMap((event) => writer.write({ ...nothing, events: [event] }))
    const read = frames.flatMap(Translation.events(front))
    assert.deepStrictEqual(
      read.flatMap((event) => (event._tag === "Signature" ? [event.seal.origin] : [])),
      [native, "gemini", "mine"]
    )
  })
})

const nothing: Reading = { ...Readings.nothing, choices: [0] }
