import { assert, describe, it } from "@effect/vitest"
import type { Prompt, Thinking } from "../../../src/domain/Prompt.js"
import * as Json from "../../../src/protocol/Json.js"
import { back } from "../../../src/protocol/ollama/Ollama.js"
import { assistant, call, image, outbound, prompt, result, text, tool, user } from "../../support/turns.js"

const encode = (asked: Partial<Prompt>, set: Parameters<typeof outbound>[0] = {}) => {
  const { json, lost } = back.encode(prompt(asked), outbound(set))
  return { json, lost: [...lost].toSorted() }
}

describe("a request to Ollama", () => {
  it("says whether to stream, because a stream is what absence means", () => {
    const messages = [user(text("hi"))]
    assert.deepStrictEqual(encode({ messages }), {
      json: { model: "m-1", messages: [{ role: "user", content: "hi" }], stream: false },
      lost: []
    })
    assert.strictEqual(encode({ messages }, { stream: true }).json["stream"], true)
  })

  it("puts what steers the answer into options", () => {
    const asked = { maxTokens: 9, temperature: 0.1, topP: 0.2, topK: 3, stop: ["x"], seed: 4 }
    const { json, lost } = encode({ ...asked, presencePenalty: 0.5, frequencyPenalty: 0.6 })
    assert.deepStrictEqual(json["options"], {
      num_predict: 9,
      temperature: 0.1,
      top_p: 0.2,
      top_k: 3,
      stop: ["x"],
      seed: 4,
      presence_penalty: 0.5,
      frequency_penalty: 0.6
    })
    assert.deepStrictEqual(lost, [])
  })

  it("takes the candidate's own limit and temperature before the prompt's", () => {
    const { json } = encode({ maxTokens: 9, temperature: 1 }, { maxTokens: 5, temperature: 0 })
    assert.deepStrictEqual(json["options"], { num_predict: 5, temperature: 0 })
  })

  it("carries a tool loop with its reasoning, pictures beside the text", () => {
    const { json, lost } = encode({
      tools: [tool],
      messages: [
        user(text("what is it?"), image()),
        assistant(
          { _tag: "Reasoning", text: "I must look", seal: undefined },
          call("c1", "look", '{"at":1}'),
          call("c2", "look", "")
        ),
        user(result("c1", "look", text("a cat")), result("c2", undefined, text("nothing")))
      ]
    })
    const named = (index: number, args: object) => ({
      type: "function",
      function: { index, name: "look", arguments: args }
    })
    assert.deepStrictEqual(json["messages"], [
      { role: "user", content: "what is it?", images: ["aGk="] },
      {
        role: "assistant",
        content: "",
        thinking: "I must look",
        tool_calls: [
          { id: "c1", ...named(0, { at: 1 }) },
          { id: "c2", ...named(1, {}) }
        ]
      },
      { role: "tool", content: "a cat", tool_name: "look", tool_call_id: "c1" },
      { role: "tool", content: "nothing", tool_call_id: "c2" }
    ])
    assert.lengthOf(Json.list(json["tools"]), 1)
    assert.deepStrictEqual(lost, [])
  })

  it("keeps big integers in a tool's arguments", () => {
    const { json } = encode({ messages: [assistant(call("c1", "look", '{"id":12345678901234567890}'))] })
    assert.include(Json.stringify(json), '"arguments":{"id":12345678901234567890}')
  })

  it("sends arguments that are no object, or cannot be written, as an empty one", () => {
    const deep = `{"a":${"[".repeat(50_000)}${"]".repeat(50_000)}}`
    for (const args of ["[1]", "{", "null", deep]) {
      const { json } = encode({ messages: [assistant(call("c1", "look", args))] })
      assert.include(Json.stringify(json), '"arguments":{}')
    }
  })

  it("asks for JSON, or for JSON of a schema", () => {
    const schema = { type: "object" }
    const format = { _tag: "JsonSchema", name: "n", description: undefined, schema, strict: true } as const
    assert.strictEqual(encode({ format: { _tag: "Json" } }).json["format"], "json")
    assert.deepStrictEqual(encode({ format }).json["format"], schema)
    assert.deepStrictEqual(encode({ format }).lost, [])
  })

  const on: Thinking = { enabled: true, effort: undefined, budgetTokens: undefined }
  const thinking: ReadonlyArray<readonly [string, Thinking, unknown, ReadonlyArray<string>]> = [
    ["qwen3", on, true, []],
    ["qwen3", { ...on, enabled: false }, false, []],
    ["qwen3", { ...on, effort: "high" }, true, ["thinking"]],
    ["qwen3", { ...on, budgetTokens: 2000 }, true, ["thinking_budget"]],
    ["gpt-oss:20b", { ...on, effort: "minimal" }, "low", []],
    ["gpt-oss:20b", { ...on, effort: "medium" }, "medium", []],
    ["hf.co/x/GPT-OSS-GGUF", { ...on, effort: "xhigh" }, "high", []],
    ["gpt-oss:20b", { ...on, effort: "constructor" }, true, ["thinking"]]
  ]
  for (const [model, asked, think, lost] of thinking) {
    it(`tells ${model} to think ${JSON.stringify(asked)} with ${JSON.stringify(think)}`, () => {
      const encoded = encode({ thinking: asked }, { model })
      assert.strictEqual(encoded.json["think"], think)
      assert.deepStrictEqual(encoded.lost, lost)
    })
  }

  it("says what cannot be said", () => {
    const asked = { choices: 2, user: "u", foreign: ["logit_bias"] }
    assert.deepStrictEqual(encode(asked).lost, ["choices", "foreign:logit_bias", "user"])
    assert.deepStrictEqual(encode({ choices: 1 }).lost, [])
  })
})
