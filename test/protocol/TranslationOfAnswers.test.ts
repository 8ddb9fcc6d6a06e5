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

const finished = (...choices: ReadonlyArray<unknown>) =>
  choices.map((choice, index) => ({ index, message: { role: "assistant", content: "hal" }, ...Object(choice) }))

describe("a whole answer of a choice that ended in an error", () => {
  const error = { code: 429, message: "Rate limit exceeded" }
  const answers: ReadonlyArray<readonly [FrontDialect, Dialect, unknown]> = [
    ["openai-chat", "openai-chat", { choices: finished({ finish_reason: "error" }) }],
    ["openai-chat", "openai-chat", { choices: finished({ finish_reason: "stop" }, { finish_reason: "error" }) }],
    ["anthropic-messages", "openai-chat", { choices: finished({ finish_reason: "ERROR" }) }],
    ["openai-completions", "openai-completions", { choices: [{ index: 0, text: "hal", finish_reason: "error" }] }],
    ["openai-chat", "workers-ai", { result: { response: "hal", finish_reason: "error" } }],
    ["openai-chat", "workers-ai", { response: "hal", finish_reason: "error" }],
    ["openai-chat", "workers-ai", { result: { choices: finished({ finish_reason: "error" }) } }],
    ["openai-chat", "openai-chat", { choices: finished({ finish_reason: "insufficient_system_resource" }) }],
    ["openai-chat", "openai-chat", { choices: finished({ finish_reason: "abort" }) }]
  ]

  it.each(answers)("is a failure to a caller of %s from one of %s", (front, back, json) => {
    assert.strictEqual(failureOf(front, back, JSON.stringify(json)), "provider_unavailable")
  })

  it("says why where the choice does, or else its word, as a stream does", () => {
    const failed = (choice: object) => {
      const bytes = JSON.stringify({ id: "x", choices: finished(choice) })
      return Either.getOrThrow(Either.flip(decode("openai-chat", "openai-chat", bytes)))
    }
    assert.deepInclude(failed({ finish_reason: "error", error }), { category: "rate_limit", status: 429 })
    assert.deepInclude(failed({ finish_reason: "abort" }), { category: "provider_unavailable", code: "abort" })
    assert.deepStrictEqual(failed({ finish_reason: "error", error: null }), Readings.endedInError)
  })
})

describe("a whole answer is complete", () => {
  const complete = (front: FrontDialect, back: Dialect, json: unknown) =>
    Either.getOrThrow(decode(front, back, JSON.stringify(json))).complete
  const openai = (front: FrontDialect, ...reasons: ReadonlyArray<unknown>) =>
    complete(front, "openai-chat", { choices: finished(...reasons.map((finish_reason) => ({ finish_reason }))) })

  it("when every choice has said why it ended, and none was cut by a filter", () => {
    assert.isTrue(openai("openai-chat", "stop", "length", "tool_calls", "eos"))
    for (const front of frontDialects) assert.isTrue(openai(front, "stop"))
    for (const wrong of [null, undefined, "", 1, "content_filter", "sensitive", "of_old_age"]) {
      assert.isFalse(openai("openai-chat", "stop", wrong), String(wrong))
      assert.isFalse(openai("anthropic-messages", wrong), String(wrong))
    }
  })

  it("also where it passes as it came", () => {
    const regular = (finish_reason: string) => {
      const choices = finished({ finish_reason })
      const json = { id: "x", object: "chat.completion", created: 1, model: "m", choices }
      return complete("openai-chat", "openai-chat", json)
    }
    assert.isTrue(regular("stop"))
    assert.isFalse(regular("content_filter"))
    const legacy = (...reasons: ReadonlyArray<unknown>) =>
      complete("openai-completions", "openai-completions", {
        choices: reasons.map((finish_reason, index) => ({ index, text: "x", finish_reason }))
      })
    assert.isTrue(legacy("stop", "length"))
    for (const wrong of [[], ["stop", null], ["content_filter"]]) assert.isFalse(legacy(...wrong))
  })

  it("when Anthropic's message has neither declined nor paused, in whichever dialect it is told", () => {
    const message = (front: FrontDialect, stop_reason: unknown) =>
      complete(front, "anthropic-messages", { content: [{ type: "text", text: "x" }], stop_reason })
    for (const front of frontDialects) {
      for (const right of ["end_turn", "tool_use", "max_tokens", "stop_sequence"]) {
        assert.isTrue(message(front, right), right)
      }
      for (const wrong of [null, undefined, "refusal", "pause_turn", "compaction", "of_old_age"]) {
        assert.isFalse(message(front, wrong), String(wrong))
      }
    }
  })

  it("when Google says so in a word that is known", () => {
    const candidate = (finishReason: unknown) =>
      complete("openai-chat", "gemini", { candidates: [{ content: { parts: [{ text: "x" }] }, finishReason }] })
    for (const right of ["STOP", "MAX_TOKENS"]) assert.isTrue(candidate(right), right)
    for (const wrong of [undefined, "SAFETY", "OTHER"]) assert.isFalse(candidate(wrong), wrong)
  })

  it("from those who never say why they end", () => {
    assert.isTrue(complete("openai-chat", "workers-ai", { result: { response: "x" }, success: true }))
    assert.isTrue(complete("openai-chat", "ollama", { message: { role: "assistant", content: "x" }, done: true }))
  })

  it("when there are embeddings", () => {
    const embeddings = (data: unknown) => complete("openai-embeddings", "openai-embeddings", { data })
    assert.isTrue(embeddings([{ embedding: [1] }]))
    assert.isFalse(embeddings([]))
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
