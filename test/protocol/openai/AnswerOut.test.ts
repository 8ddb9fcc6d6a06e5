import { assert, describe, it } from "@effect/vitest"
import type { ChatEvent } from "../../../src/domain/ChatEvent.js"
import type { Completion } from "../../../src/domain/Completion.js"
import * as AnswerIn from "../../../src/protocol/openai/AnswerIn.js"
import * as AnswerOut from "../../../src/protocol/openai/AnswerOut.js"
import * as Fold from "../../../src/protocol/Fold.js"
import * as Json from "../../../src/protocol/Json.js"
import * as PromptIn from "../../../src/protocol/openai/PromptIn.js"
import { answering } from "../../support/machine.js"
import { incoming } from "../../support/turns.js"
import { repaired } from "./answers.js"
import { anyEvents, anyUsage, heard, inMembers, told } from "./anyEvents.js"

const completion = (events: ReadonlyArray<ChatEvent>, more: Partial<Completion> = {}): Completion => ({
  id: undefined,
  model: undefined,
  events,
  usage: undefined,
  reportedCost: undefined,
  ...more
})

const encode = (events: ReadonlyArray<ChatEvent>, more: Partial<Completion> = {}) =>
  AnswerOut.encode(completion(events, more), { ...answering(), includeUsage: true })

/** The message of the first choice. */
const message = (...events: ReadonlyArray<ChatEvent>) => {
  const [choice] = Json.records(encode(events)["choices"])
  return Json.record(choice?.["message"])
}

const plain = { role: "assistant", content: "", refusal: null }
const text = (words: string, index = 0): ChatEvent => ({ _tag: "Text", index, text: words })
const thought = (words: string): ChatEvent => ({ _tag: "Reasoning", index: 0, text: words })
const signature = (origin: string): ChatEvent => ({ _tag: "Signature", index: 0, seal: { origin, value: "S" } })
const sealed = (origin: string): ChatEvent => ({ _tag: "Sealed", index: 0, seal: { origin, value: "S" } })
const refusal: ChatEvent = { _tag: "Refusal", index: 0, text: "no" }
const call = (args: string, origin?: string): ChatEvent => ({
  _tag: "ToolCall",
  index: 0,
  call: 0,
  id: "c1",
  name: "f",
  arguments: args,
  ...(origin === undefined ? {} : { seal: { origin, value: "S" } })
})

describe("an answer of another dialect", () => {
  it("is told in OpenAI's shape, under its own name", () => {
    const usage = { input: 1, cacheRead: 0, cacheWrite: 0, output: 2, reasoning: 0 }
    const events: ReadonlyArray<ChatEvent> = [text("a"), { _tag: "Finish", index: 0, reason: "length" }]
    assert.deepStrictEqual<object>(encode(events, { id: "msg_1", model: "claude", usage }), {
      id: "msg_1",
      object: "chat.completion",
      created: 7,
      model: "claude",
      choices: [{ index: 0, message: { ...plain, content: "a" }, logprobs: null, finish_reason: "length" }],
      usage: {
        prompt_tokens: 1,
        completion_tokens: 2,
        total_tokens: 3,
        prompt_tokens_details: { cached_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 0 }
      }
    })
  })

  it("gets a name and a choice where it has none, and no usage that nobody knows", () => {
    const { usage, ...rest } = encode([])
    assert.isUndefined(usage)
    assert.deepStrictEqual<object>(rest, {
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 7,
      model: "m-asked",
      choices: [{ index: 0, message: plain, logprobs: null, finish_reason: "stop" }]
    })
  })

  it("has its choices in their order", () => {
    const { choices } = encode([text("b", 2), text("a", 0)])
    assert.deepStrictEqual(
      Json.records(choices).map((choice) => [choice["index"], Json.record(choice["message"])["content"]]),
      [
        [0, "a"],
        [2, "b"]
      ]
    )
  })

  it("has no content where it only calls or declines", () => {
    assert.deepStrictEqual<object>(message(refusal), { ...plain, content: null, refusal: "no" })
    assert.deepStrictEqual<object>(message(call("")), {
      ...plain,
      content: null,
      tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: "{}" } }]
    })
    assert.deepInclude(message(text("a"), call("{}")), { content: "a" })
  })

  it("has its thoughts in plain words, and in details where any is sealed", () => {
    assert.deepStrictEqual<object>(message(thought("a"), text("t"), thought("b")), {
      ...plain,
      content: "t",
      reasoning_content: "ab"
    })
    assert.deepStrictEqual<object>(message(thought("a"), signature("openrouter"), sealed("gemini"), thought("b")), {
      ...plain,
      reasoning_content: "ab",
      reasoning_details: [
        { type: "reasoning.text", text: "a", signature: "S", index: 0 },
        { type: "reasoning.encrypted", data: "orelse~gemini~S", index: 1 },
        { type: "reasoning.text", text: "b", index: 2 }
      ]
    })
  })

  it("has the seal of a call where Google's clients look for it", () => {
    const extra = (origin: string) => Json.records(message(call("{}", origin))["tool_calls"])[0]?.["extra_content"]
    assert.deepStrictEqual(extra("gemini"), { google: { thought_signature: "S" } })
    assert.deepStrictEqual(extra("anthropic"), { google: { thought_signature: "orelse~anthropic~S" } })
  })
})

describe("any answer", () => {
  it.prop(
    "that is whole says the same to its reader, with the same usage",
    [anyEvents, anyUsage],
    ([events, usage]) => {
      const read = AnswerIn.decode(encode(events, { usage }), incoming())
      assert.deepStrictEqual(heard(read?.events ?? []), told(inMembers(events)))
      assert.deepStrictEqual(read?.usage, usage)
    },
    { fastCheck: { numRuns: 500 } }
  )

  it.prop("that is whole needs no repair", [anyEvents, anyUsage], ([events, usage]) => {
    const json = encode(events, { usage })
    const sealsCall = JSON.stringify(json).includes("extra_content")
    if (!sealsCall) assert.strictEqual(repaired(json, "openrouter"), json)
  })

  it.prop(
    "that is whole has the same thoughts when a caller sends it back",
    [anyEvents],
    ([events]) => {
      const own = events.filter(({ index }) => index === 0)
      const [back] = PromptIn.prompt({ messages: [message(...own)] }).messages
      const thoughts = back?.parts.filter(({ _tag }) => _tag === "Reasoning" || _tag === "Sealed")
      const blocks = Fold.choices(own)[0]?.blocks ?? []
      const expected = blocks.flatMap((block) => (block._tag === "Reasoning" || block._tag === "Sealed" ? [block] : []))
      const isSealed = expected.some((block) => block.seal !== undefined)
      const words = expected.map((block) => (block._tag === "Reasoning" ? block.text : "")).join("")
      const joined = words === "" ? [] : [{ _tag: "Reasoning", text: words, seal: undefined }]
      assert.deepStrictEqual<unknown>(thoughts, isSealed ? expected : joined)
    },
    { fastCheck: { numRuns: 500 } }
  )
})
