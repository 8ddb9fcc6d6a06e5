import { assert, describe, it } from "@effect/vitest"
import type { Prompt } from "../../../src/domain/Prompt.js"
import * as Json from "../../../src/protocol/Json.js"
import { back } from "../../../src/protocol/workersai/WorkersAi.js"
import { assistant, call, image, outbound, prompt, result, text, tool, user } from "../../support/turns.js"

const encode = (asked: Partial<Prompt>, set: Parameters<typeof outbound>[0] = {}) => {
  const { json, lost } = back.encode(prompt(asked), outbound(set))
  return { json, lost: [...lost].toSorted() }
}

describe("a request to Workers AI", () => {
  it("does not name the model, which is in the path", () => {
    assert.deepStrictEqual(encode({ messages: [user(text("a"), text("b"))] }), {
      json: { messages: [{ role: "user", content: "a\n\nb" }] },
      lost: []
    })
    assert.strictEqual(encode({}, { stream: true }).json["stream"], true)
  })

  it("carries what steers the answer, the candidate's own limit and temperature first", () => {
    const asked = { maxTokens: 9, temperature: 1, topP: 0.2, topK: 3, seed: 4, presencePenalty: 0.5 }
    const { json, lost } = encode({ ...asked, frequencyPenalty: 0.6 }, { maxTokens: 5, temperature: 0 })
    assert.deepStrictEqual(json, {
      messages: [],
      max_tokens: 5,
      temperature: 0,
      top_p: 0.2,
      top_k: 3,
      seed: 4,
      presence_penalty: 0.5,
      frequency_penalty: 0.6
    })
    assert.deepStrictEqual(lost, [])
  })

  it("carries a tool loop with contents that are texts and never null", () => {
    const args = '{"id":12345678901234567890}'
    const { json, lost } = encode({
      tools: [tool],
      messages: [
        user(text("what is it?")),
        assistant(call("call00001", "look", args), call("call00002", "look", "")),
        user(result("call00001", "look", text("a cat")), result("call00002", undefined))
      ]
    })
    assert.deepStrictEqual(json["messages"], [
      { role: "user", content: "what is it?" },
      {
        role: "assistant",
        content: "",
        tool_calls: [
          { id: "call00001", type: "function", function: { name: "look", arguments: args } },
          { id: "call00002", type: "function", function: { name: "look", arguments: "{}" } }
        ]
      },
      { role: "tool", content: "a cat", tool_call_id: "call00001", name: "look" },
      { role: "tool", content: "", tool_call_id: "call00002" }
    ])
    assert.lengthOf(Json.list(json["tools"]), 1)
    assert.deepStrictEqual(lost, [])
  })

  it("has ids that match its schema, in calls and results alike", () => {
    const { json } = encode({ messages: [assistant(call("call_d5wg", "look", "")), user(result("call_d5wg", "look"))] })
    const [called, answered] = Json.records(json["messages"])
    const id = Json.records(called?.["tool_calls"])[0]?.["id"]
    assert.match(String(id), /[a-zA-Z0-9]{9}/)
    assert.strictEqual(answered?.["tool_call_id"], id)
  })

  it("writes a picture as a data URL, and loses one that is only linked to", () => {
    const data = { type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } }
    assert.deepStrictEqual(encode({ messages: [user(text("see"), image()), user(image())] }).json["messages"], [
      { role: "user", content: [{ type: "text", text: "see" }, data] },
      { role: "user", content: [data] }
    ])
    const linked = encode({
      messages: [user(text("see"), image({ source: { _tag: "Url", url: "https://a.example" } }))]
    })
    assert.deepStrictEqual(linked.json["messages"], [{ role: "user", content: "see" }])
    assert.deepStrictEqual(linked.lost, ["image_urls"])
  })

  it("asks for JSON with the schema alone, which takes up its name and description", () => {
    const format = { _tag: "JsonSchema", name: "n", description: "d", schema: { type: "object" } } as const
    assert.deepStrictEqual(encode({ format: { _tag: "Json" } }).json["response_format"], { type: "json_object" })
    assert.deepStrictEqual(encode({ format: { ...format, strict: undefined } }).json["response_format"], {
      type: "json_schema",
      json_schema: { title: "n", description: "d", type: "object" }
    })
    const titled = { ...format, schema: { title: "mine", description: "mine too" }, strict: undefined }
    assert.deepStrictEqual(encode({ format: titled }).json["response_format"], {
      type: "json_schema",
      json_schema: { title: "mine", description: "mine too" }
    })
  })

  it("says what cannot be said", () => {
    const thought = { _tag: "Reasoning", text: "hm", seal: undefined } as const
    const { json, lost } = encode({
      messages: [assistant(thought, text("so"))],
      tools: [tool],
      toolChoice: { _tag: "Tool", name: "look" },
      stop: ["x"],
      thinking: { enabled: true, effort: "low", budgetTokens: undefined },
      choices: 2,
      user: "u",
      foreign: ["logit_bias"]
    })
    assert.deepStrictEqual(json["messages"], [{ role: "assistant", content: "so" }])
    assert.sameMembers(Object.keys(json), ["messages", "tools"])
    assert.deepStrictEqual(lost, [
      "choices",
      "foreign:logit_bias",
      "reasoning_history",
      "stop",
      "thinking",
      "tool_choice",
      "user"
    ])
  })
})
