import { assert, describe, it } from "@effect/vitest"
import * as PromptIn from "../../../src/protocol/anthropic/PromptIn.js"
import * as Json from "../../../src/protocol/Json.js"
import { prompt } from "../../support/turns.js"

const asked = (members: object) => PromptIn.prompt(Json.record(Json.parse(JSON.stringify(members))))

describe("the members of an Anthropic request", () => {
  it("are read one by one", () => {
    assert.deepStrictEqual(
      asked({
        model: "m",
        max_tokens: 5,
        temperature: 0.5,
        top_p: 0.9,
        top_k: 3,
        stop_sequences: ["END", 7],
        metadata: { user_id: "u" },
        stream: true
      }),
      prompt({ maxTokens: 5, temperature: 0.5, topP: 0.9, topK: 3, stop: ["END"], user: "u" })
    )
  })

  it("are passed over where they are of the wrong type", () => {
    const members = `max_tokens temperature top_p stop_sequences metadata tools tool_choice thinking system messages`
    const wrong = members.split(" ").map((member): [string, unknown] => [member, 7])
    assert.deepStrictEqual(
      asked(Object.fromEntries([...wrong, ["max_tokens", "7"], ["temperature", {}], ["top_p", []]])),
      prompt({})
    )
  })

  it("declare functions, strict and cached ones too; tools of Anthropic's own are foreign", () => {
    const input_schema = { type: "object", properties: {} }
    const { foreign, tools } = asked({
      tools: [
        { name: "a", description: "A.", input_schema, strict: true, cache_control: { type: "ephemeral", ttl: "1h" } },
        { type: "custom", name: "b", input_schema },
        { type: "web_search_20250305", name: "web_search" },
        { type: 7 }
      ]
    })
    const plain = { description: undefined, parameters: input_schema, strict: undefined, cache: undefined }
    assert.deepStrictEqual(tools, [
      { name: "a", description: "A.", parameters: input_schema, strict: true, cache: { ttl: "1h" } },
      { ...plain, name: "b" }
    ])
    assert.deepStrictEqual(foreign, ["tools.web_search_20250305", "tools.unknown"])
  })

  it.each([
    [{ type: "auto" }, { toolChoice: { _tag: "Auto" } }],
    [
      { type: "any", disable_parallel_tool_use: true },
      { toolChoice: { _tag: "Required" }, parallelTools: false }
    ],
    [{ type: "none" }, { toolChoice: { _tag: "None" } }],
    [
      { type: "tool", name: "a", disable_parallel_tool_use: false },
      { toolChoice: { _tag: "Tool", name: "a" }, parallelTools: true }
    ]
  ] as const)("choose tools: %j", (tool_choice, read) => {
    const { tools, ...rest } = asked({ tool_choice, tools: [{ name: "a" }] })
    assert.deepStrictEqual({ ...rest, tools: [] }, prompt(read))
    assert.strictEqual(tools.length, 1)
  })

  it("choose no tool that only Anthropic knows, or that nobody declared", () => {
    const tools = [{ type: "web_search_20250305", name: "web_search" }, { name: "a" }]
    const { foreign, toolChoice } = asked({ tools, tool_choice: { type: "tool", name: "web_search" } })
    assert.isUndefined(toolChoice)
    assert.include(foreign, "tool_choice")
  })

  it("ask for JSON of a schema, by either name", () => {
    const schema = { type: "object", properties: {} }
    const format = { _tag: "JsonSchema", name: undefined, description: undefined, schema, strict: true } as const
    assert.deepStrictEqual(asked({ output_format: { type: "json_schema", schema } }), prompt({ format }))
    assert.deepStrictEqual(asked({ output_config: { format: { type: "json_schema", schema } } }), prompt({ format }))
  })

  it.each([
    [{}, undefined],
    [{ thinking: { type: "disabled" } }, { enabled: false, effort: undefined, budgetTokens: undefined }],
    [{ thinking: { type: "enabled", budget_tokens: 2000 } }, { enabled: true, effort: undefined, budgetTokens: 2000 }],
    [{ thinking: { type: "adaptive" } }, { enabled: true, effort: undefined, budgetTokens: undefined }],
    [{ output_config: { effort: "low" } }, { enabled: true, effort: "low", budgetTokens: undefined }],
    [
      { thinking: { type: "enabled", budget_tokens: 2000 }, output_config: { effort: "high" } },
      { enabled: true, effort: "high", budgetTokens: 2000 }
    ]
  ])("say how much to think: %j", (members, read) => {
    assert.deepStrictEqual(asked(members), prompt({ thinking: read }))
  })
})
