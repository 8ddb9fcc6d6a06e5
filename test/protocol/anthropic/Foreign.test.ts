import { assert, describe, it } from "@effect/vitest"
import * as Foreign from "../../../src/protocol/anthropic/Foreign.js"

const document = { type: "document", source: { type: "text", media_type: "text/plain", data: "words" } }

describe("what means something to Anthropic only", () => {
  it.each([
    [{ container: "c", mcp_servers: [{}], service_tier: "auto" }, ["container", "mcp_servers", "service_tier"]],
    [{ output_config: { task_budget: { tokens: 1 }, effort: "low" } }, ["output_config.task_budget"]],
    [{ thinking: { type: "adaptive", display: "omitted" } }, ["thinking.display"]],
    [
      {
        tools: [
          { name: "a", defer_loading: true },
          { name: "b", defer_loading: true }
        ]
      },
      ["tools.defer_loading"]
    ]
  ])("is named by its place: %j", (members, foreign) => {
    assert.deepStrictEqual(Foreign.of(members), foreign)
  })

  it("is named where a document is to be cited, or comes with a context", () => {
    const of = (more: object) => Foreign.of({ messages: [{ role: "user", content: [{ ...document, ...more }] }] })
    assert.deepStrictEqual(of({ citations: { enabled: true } }), ["citations"])
    assert.deepStrictEqual(of({ context: "From a letter." }), ["document.context"])
    assert.deepStrictEqual(of({ citations: { enabled: false }, context: "" }), [])
  })

  it("is nothing that asks for nothing, and nothing that is the gateway's own", () => {
    const named = Foreign.of({
      container: null,
      mcp_servers: [],
      thinking: { type: "adaptive", display: "summarized" },
      model: "m",
      models: ["n"],
      fallback: {},
      provider: {},
      require: "lossless"
    })
    assert.deepStrictEqual(named, [])
  })
})
