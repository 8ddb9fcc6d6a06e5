import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Anthropic from "../../src/protocol/anthropic/RequestIn.js"
import * as OngoingAnswer from "../../src/protocol/OngoingAnswer.js"
import * as OpenAi from "../../src/protocol/openai/RequestIn.js"
import * as PlainIn from "../../src/protocol/openai/PlainIn.js"
import { StreamMachine } from "../../src/protocol/StreamMachine.js"
import * as Translation from "../../src/protocol/Translation.js"
import { chunk, role, says, stop, textOf, tokens } from "../support/chunks.js"
import { answering, streamRequest } from "../support/machine.js"

const question = { model: "m", max_tokens: 9, messages: [{ role: "user", content: "Hi" }] }

describe("the answer of a request", () => {
  const openai = (fields: object) => OpenAi.makeRequest({ ...question, ...fields })
  const anthropic = (fields: object) => Anthropic.makeRequest({ ...question, ...fields })
  const tool = { type: "function", function: { name: "f" } }
  const pdf = { type: "document", source: { type: "text", data: "x" } }

  it.each([
    [openai, {}],
    [openai, { n: 1, logprobs: false, modalities: ["text"], tools: [tool], audio: null }],
    [anthropic, {}],
    [anthropic, { tools: [{ name: "f", input_schema: {} }], messages: [{ role: "user", content: [pdf] }] }]
  ])("may be written by several: %#", (asking, fields) => {
    assert.isTrue(OngoingAnswer.possible(Either.getOrThrow(asking(fields))))
  })

  it.each([
    [openai, { n: 2 }],
    [openai, { logprobs: true }],
    [openai, { modalities: ["text", "audio"] }],
    [openai, { audio: { voice: "x" } }],
    [openai, { functions: [{ name: "f" }] }],
    [openai, { tools: [tool, { type: "custom", custom: { name: "g" } }] }],
    [openai, { web_search_options: {} }],
    [openai, { plugins: [{ id: "web" }] }],
    [anthropic, { tools: [{ type: "web_search_20250305", name: "web_search" }] }],
    [anthropic, { messages: [{ role: "user", content: [{ ...pdf, citations: { enabled: true } }] }] }],
    [anthropic, { mcp_servers: [{ type: "url" }] }],
    [anthropic, { container: "c" }]
  ])("is one provider's where events do not stand for all of it: %#", (asking, fields) => {
    assert.isFalse(OngoingAnswer.possible(Either.getOrThrow(asking(fields))))
  })

  it("is one provider's in the API before chats", () => {
    const json = { model: "m", prompt: "Hi" }
    const request = Either.getOrThrow(PlainIn.decodeCompletions(Buffer.from(JSON.stringify(json)), json))
    assert.isFalse(OngoingAnswer.possible(request))
  })
})

/** A provider's part of an answer. */
const part = (answer: OngoingAnswer.OngoingAnswer, fields: Readonly<Record<string, unknown>> = {}) =>
  new StreamMachine(Translation.way(streamRequest(fields), "openai-chat", answering(), answer))

describe("an answer of several parts", () => {
  const withUsage = { stream_options: { include_usage: true } }
  const counted = chunk({ content: "b" }, null, { usage: tokens })

  it("is shown by one writer, which counts what all of them used", () => {
    const answer = new OngoingAnswer.OngoingAnswer()
    const first = part(answer, withUsage)
    const begun = first.push(Buffer.concat([role, says("a"), counted]))
    answer.handed(begun.length)
    assert.deepStrictEqual([answer.text, answer.continuable, answer.finished], ["ab", true, false])
    answer.broke(first.usage)
    const second = part(answer, withUsage)
    const ended = [...second.push(Buffer.concat([role, says("c"), counted, stop])), ...second.end()]
    answer.handed(ended.length)
    const shown = Buffer.concat([...begun, ...ended])
    assert.deepStrictEqual([textOf(shown), answer.text, answer.finished], ["abcb", "abcb", true])
    const chunks = shown.toString().match(/"id":"[^"]*"/g) ?? []
    assert.strictEqual(new Set(chunks).size, 1)
    assert.strictEqual(shown.toString().match(/"role"/g)?.length, 1)
    assert.deepStrictEqual(shown.toString().match(/"total_tokens":\d+/g), ['"total_tokens":10'])
  })

  it("cannot go on where a frame was written that nobody was given", () => {
    const answer = new OngoingAnswer.OngoingAnswer()
    const frames = part(answer).push(Buffer.concat([says("a"), says("b")]))
    answer.handed(frames.length - 1)
    assert.isFalse(answer.continuable)
    answer.handed(1)
    assert.isTrue(answer.continuable)
  })

  it("shows the words of one part at a time, whoever else speaks", () => {
    const answer = new OngoingAnswer.OngoingAnswer()
    const [one, other] = [part(answer), part(answer)]
    assert.strictEqual(textOf(Buffer.concat(one.push(says("a")))), "a")
    assert.deepStrictEqual(other.push(says("b")), [])
    assert.strictEqual(answer.text, "a")
  })
})
