import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Messages from "../../src/protocol/anthropic/RequestIn.js"
import * as PlainIn from "../../src/protocol/openai/PlainIn.js"
import * as RequestNeeds from "../../src/protocol/RequestNeeds.js"
import { request } from "../support/gateway.js"

const message = (fields: object) =>
  Either.getOrThrow(
    Messages.makeRequest({ model: "m", max_tokens: 9, messages: [{ role: "user", content: "hi" }], ...fields })
  )
const completion = (fields: object) => {
  const json = { model: "m", ...fields }
  return Either.getOrThrow(PlainIn.decodeCompletions(Buffer.from(JSON.stringify(json)), json))
}
const saying = (...content: ReadonlyArray<unknown>) => ({ messages: [{ role: "user", content }] })

describe("what a request needs", () => {
  it("is tools where it declares some, in today's words or in the older ones", () => {
    for (const fields of [{ tools: [{}] }, { functions: [{}] }]) assert.isTrue(RequestNeeds.hasTools(request(fields)))
    assert.isTrue(RequestNeeds.hasTools(message({ tools: [{ name: "t", input_schema: {} }] })))
    for (const fields of [{}, { tools: [] }, { tools: null }]) assert.isFalse(RequestNeeds.hasTools(request(fields)))
  })

  it("is vision where a message holds a picture, also as the result of a tool", () => {
    const picture = { type: "image_url", image_url: { url: "https://example.com/a.png" } }
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "aGk=" } }
    assert.isTrue(RequestNeeds.hasImages(request(saying({ type: "text", text: "see" }, picture))))
    assert.isTrue(
      RequestNeeds.hasImages(request({ messages: [{ role: "tool", tool_call_id: "1", content: [picture] }] }))
    )
    assert.isTrue(RequestNeeds.hasImages(message(saying(image))))
    assert.isTrue(RequestNeeds.hasImages(message(saying({ type: "tool_result", tool_use_id: "1", content: [image] }))))
  })

  it("is no vision where pictures are only spoken of", () => {
    const words = { type: "text", text: '{"type":"image_url"}' }
    const call = { type: "tool_use", id: "1", name: "draw", input: { type: "image" } }
    for (const content of [[words], [null, 1, "image"], [call], [{ type: "tool_result", content: "image" }]]) {
      assert.isFalse(RequestNeeds.hasImages(message(saying(...content))))
    }
  })

  it("is a JSON schema where the answer must follow one, in either dialect", () => {
    const format = { type: "json_schema" }
    assert.isTrue(RequestNeeds.hasSchema(request({ response_format: format })))
    assert.isTrue(RequestNeeds.hasSchema(message({ output_format: format })))
    assert.isTrue(RequestNeeds.hasSchema(message({ output_config: { format } })))
    assert.isFalse(RequestNeeds.hasSchema(request({ response_format: { type: "json_object" } })))
  })

  it("is as many tokens as it asks for, by the newer name first", () => {
    assert.strictEqual(RequestNeeds.maxTokens(request({ max_tokens: 7 })), 7)
    assert.strictEqual(RequestNeeds.maxTokens(request({ max_tokens: 7, max_completion_tokens: 8 })), 8)
    assert.strictEqual(RequestNeeds.maxTokens(message({})), 9)
    assert.isUndefined(RequestNeeds.maxTokens(request({ max_tokens: null })))
  })

  it("is one answer, or as many as it asks for", () => {
    assert.deepStrictEqual([request(), request({ n: 3 }), request({ n: -1 })].map(RequestNeeds.answers), [1, 3, 1])
    const prompts = [{ prompt: "a" }, { prompt: ["a", "b"], n: 2 }, { prompt: [1, 2, 3] }, { prompt: "a", best_of: 4 }]
    assert.deepStrictEqual(prompts.map(completion).map(RequestNeeds.answers), [1, 4, 1, 4])
  })

  it("is as many tokens as a provider may go by, where there are two names for them", () => {
    assert.strictEqual(RequestNeeds.mostTokens(request({ max_tokens: 9, max_completion_tokens: 8 })), 9)
    assert.strictEqual(RequestNeeds.mostTokens(request({ max_completion_tokens: 8 })), 8)
    assert.isUndefined(RequestNeeds.mostTokens(request({ max_tokens: null })))
  })

  it("is a tool of the provider's where the provider runs it, or nobody knows who does", () => {
    const calls = (fields: object) => RequestNeeds.hasProviderTools(message(fields))
    const tool = (type?: string) => ({
      tools: [
        { name: "t", input_schema: {} },
        { name: "u", type }
      ]
    })
    for (const type of ["web_search_20250305", "code_execution_20250825", "mcp_toolset", "bash", "next_year"]) {
      assert.isTrue(calls(tool(type)), type)
    }
    for (const type of [undefined, "custom", "function", "bash_20250124", "text_editor_20250728", "memory_20250818"]) {
      assert.isFalse(calls(tool(type)), type)
    }
    assert.isTrue(calls({ mcp_servers: [{ url: "https://example.com" }] }))
    assert.isFalse(calls({ mcp_servers: [], tools: [] }))
    assert.isTrue(calls({ context_management: { edits: [{ type: "compact_20260112" }] } }))
    assert.isFalse(calls({ context_management: { edits: [{ type: "clear_tool_uses_20250919" }] } }))
    assert.isTrue(RequestNeeds.hasProviderTools(request({ plugins: [{ id: "web" }] })))
    assert.isFalse(RequestNeeds.hasProviderTools(request({ tools: [{ type: "function", function: { name: "f" } }] })))
  })
})
