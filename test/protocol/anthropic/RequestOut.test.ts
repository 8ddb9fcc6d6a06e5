import { assert, describe, it } from "@effect/vitest"
import type { Prompt } from "../../../src/domain/Prompt.js"
import * as Json from "../../../src/protocol/Json.js"
import { asked, tool } from "./asking.js"

const said = (words: string) => ({ type: "text", text: words })
describe("A request to Anthropic", () => {
  it("names the model and a bound of tokens, and nothing that was not asked for", () => {
    assert.deepStrictEqual(asked("claude-3-haiku-20240307", {}), {
      json: {
        model: "claude-3-haiku-20240307",
        max_tokens: 4096,
        messages: [{ role: "user", content: [said("Hi")] }]
      },
      lost: []
    })
  })

  it("asks for a stream where one is wanted", () => {
    assert.strictEqual(asked("claude-opus-5", {}, { stream: true }).json["stream"], true)
  })

  it.each([
    ["claude-3-5-haiku-latest", 8_192],
    ["claude-opus-4-1", 32_000],
    ["claude-sonnet-4-5", 32_000],
    ["another", 4_096]
  ])("bounds %s to %i tokens, unless the candidate or the caller sets a bound", (model, usual) => {
    assert.strictEqual(asked(model, {}).json["max_tokens"], usual)
    assert.strictEqual(asked(model, { maxTokens: 100 }).json["max_tokens"], 100)
    assert.strictEqual(asked(model, { maxTokens: 100 }, { maxTokens: 50 }).json["max_tokens"], 50)
  })

  it("bounds to what the model writes at most, where more would be refused", () => {
    assert.strictEqual(asked("claude-opus-4-1", { maxTokens: 100_000 }).json["max_tokens"], 32_000)
    assert.strictEqual(asked("another", { maxTokens: 100_000 }).json["max_tokens"], 100_000)
  })

  it("names stop sequences and the user, but none of blanks and none that is too long", () => {
    const { json, lost } = asked("claude-sonnet-4-5", { stop: ["END", "\n"], user: "u-1" })
    assert.deepInclude(json, { stop_sequences: ["END"], metadata: { user_id: "u-1" } })
    assert.deepStrictEqual(lost, ["stop"])
    const long = asked("claude-sonnet-4-5", { stop: [" "], user: "u".repeat(300) })
    assert.doesNotHaveAnyKeys(long.json, ["stop_sequences", "metadata"])
    assert.deepStrictEqual(long.lost, ["stop", "user"])
  })

  it("says what Anthropic has no word for, but not of what changes nothing", () => {
    const more = { seed: 1, presencePenalty: 0.5, frequencyPenalty: 0.5, choices: 2, foreign: ["logit_bias"] }
    assert.deepStrictEqual(asked("claude-sonnet-4-5", more).lost, [
      "choices",
      "foreign:logit_bias",
      "frequency_penalty",
      "presence_penalty",
      "seed"
    ])
    assert.deepStrictEqual(asked("claude-sonnet-4-5", { presencePenalty: 0, frequencyPenalty: 0, choices: 1 }).lost, [])
  })
})

describe("Tools in a request to Anthropic", () => {
  const model = "claude-sonnet-4-5"
  const choice = (more: Partial<Prompt>, name = model) => {
    const { json, lost } = asked(name, { tools: [tool("look")], ...more })
    return [json["tool_choice"], lost]
  }

  it("have a schema, as they came or an empty one", () => {
    const parameters = { properties: { at: { type: "string" } }, type: "object" }
    const tools = [tool("look", { description: "Looks.", parameters }), tool("wait"), tool("go", { parameters: {} })]
    assert.deepStrictEqual(asked(model, { tools }).json["tools"], [
      { name: "look", description: "Looks.", input_schema: parameters },
      { name: "wait", input_schema: { type: "object", properties: {} } },
      { name: "go", input_schema: { type: "object" } }
    ])
  })

  it("are strict where the model can be and the schema is within what it enforces", () => {
    const strict = (schema: object, name = model) => {
      const parameters = { type: "object", properties: { at: schema }, required: ["at"], additionalProperties: false }
      const { json, lost } = asked(name, { tools: [tool("look", { parameters, strict: true })] })
      const [{ input_schema, strict: isStrict } = {}] = Json.records(json["tools"])
      assert.deepStrictEqual(input_schema, parameters)
      return [isStrict, lost]
    }
    assert.deepStrictEqual(strict({ type: "string" }), [true, []])
    assert.deepStrictEqual(strict({ type: "string", minLength: 2 }), [undefined, ["strict_tools"]])
    assert.deepStrictEqual(strict({ type: "string" }, "claude-3-7-sonnet-latest"), [undefined, ["strict_tools"]])
  })

  it("are chosen as asked", () => {
    assert.deepStrictEqual(choice({}), [undefined, []])
    assert.deepStrictEqual(choice({ toolChoice: { _tag: "Auto" } }), [{ type: "auto" }, []])
    assert.deepStrictEqual(choice({ toolChoice: { _tag: "Required" } }), [{ type: "any" }, []])
    assert.deepStrictEqual(choice({ toolChoice: { _tag: "None" }, parallelTools: false }), [{ type: "none" }, []])
    assert.deepStrictEqual(choice({ toolChoice: { _tag: "Tool", name: "look" } }), [{ type: "tool", name: "look" }, []])
  })

  it("are called one at a time where that is asked for", () => {
    const one = { disable_parallel_tool_use: true }
    assert.deepStrictEqual(choice({ parallelTools: false }), [{ type: "auto", ...one }, []])
    const forced = { parallelTools: false, toolChoice: { _tag: "Required" } as const }
    assert.deepStrictEqual(choice(forced), [{ type: "any", ...one }, []])
    assert.deepStrictEqual(choice({ parallelTools: true }), [undefined, []])
  })

  it("are not chosen where there are none, and not forced on a model that refuses that", () => {
    assert.deepStrictEqual(choice({ tools: [], toolChoice: { _tag: "Auto" }, parallelTools: false }), [undefined, []])
    const forced = { toolChoice: { _tag: "Required" } as const }
    assert.deepStrictEqual(choice(forced, "claude-opus-5-5"), [{ type: "auto" }, ["tool_choice"]])
    assert.deepStrictEqual(choice(forced, "claude-haiku-5-5"), [{ type: "any" }, []])
    assert.deepStrictEqual(choice(forced, "claude-mythos-preview"), [{ type: "any" }, []])
  })
})

describe("Sampling in a request to Anthropic", () => {
  const sampled = (model: string, temperature?: number, topP?: number, topK?: number, thinking = false) => {
    const thought_ = thinking ? { enabled: true, effort: "low", budgetTokens: undefined } : undefined
    const { json, lost } = asked(model, { temperature, topP, topK, thinking: thought_ })
    return [json["temperature"], json["top_p"], json["top_k"], ...lost]
  }

  it("has a temperature of 1 at most, the candidate's before the caller's", () => {
    assert.deepStrictEqual(sampled("claude-sonnet-4-0", 0.3, 0.9, 5), [0.3, 0.9, 5])
    assert.deepStrictEqual(sampled("claude-sonnet-4-0", 1.7), [1, undefined, undefined, "temperature"])
    const { json } = asked("claude-sonnet-4-0", { temperature: 0.3 }, { temperature: 0 })
    assert.strictEqual(json["temperature"], 0)
  })

  it("has temperature or top_p where both are refused, and loses nothing by leaving out a 1", () => {
    assert.deepStrictEqual(sampled("claude-sonnet-4-5", 0.3, 0.9, 5), [0.3, undefined, 5, "top_p"])
    assert.deepStrictEqual(sampled("claude-sonnet-4-5", 1, 0.9), [undefined, 0.9, undefined])
    assert.deepStrictEqual(sampled("claude-sonnet-4-5", 0.3, 1), [0.3, undefined, undefined])
    assert.deepStrictEqual(sampled("another", 0.3, 0.9), [0.3, 0.9, undefined])
  })

  it("is left out where the model takes none", () => {
    const none = [undefined, undefined, undefined]
    assert.deepStrictEqual(sampled("claude-opus-4-7", 0.3, 0.9, 5), [...none, "temperature", "top_k", "top_p"])
    assert.deepStrictEqual(sampled("claude-opus-4-7", 1, 1), none)
    assert.deepStrictEqual(sampled("claude-mythos-preview", 0.3), [...none, "temperature"])
  })

  it("is left out while the model thinks, but for a top_p near 1", () => {
    const none = [undefined, undefined, undefined]
    assert.deepStrictEqual(sampled("claude-sonnet-4-5", 0.3, 0.9, 5, true), [...none, "temperature", "top_k", "top_p"])
    assert.deepStrictEqual(sampled("claude-sonnet-4-5", 1, 0.97, undefined, true), [undefined, 0.97, undefined])
  })
})

describe("The format in a request to Anthropic", () => {
  const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] }
  const formatted = (model: string, more: object = {}) => {
    const format = { _tag: "JsonSchema", name: "n", description: "A number.", schema, strict: true, ...more } as const
    const { json, lost } = asked(model, { format })
    return [json["output_config"], ...lost]
  }

  it("is a schema, closed and described", () => {
    const closed = { ...schema, additionalProperties: false, description: "A number." }
    for (const model of ["claude-haiku-4-5", "claude-opus-4-1"]) {
      assert.deepStrictEqual(formatted(model), [{ format: { type: "json_schema", schema: closed } }])
    }
  })

  it("says that a rule of it is not enforced", () => {
    const bounded = { ...schema, properties: { n: { type: "integer", minimum: 3 } } }
    const [config, ...lost] = formatted("claude-haiku-4-5", { schema: bounded })
    assert.include(Json.stringify(config), "minimum: 3")
    assert.deepStrictEqual(lost, ["format_schema"])
  })

  it("is lost where the model or Anthropic knows none", () => {
    assert.deepStrictEqual(formatted("claude-sonnet-4-0"), [undefined, "format"])
    assert.deepStrictEqual(formatted("another"), [undefined, "format"])
    assert.deepStrictEqual(formatted("claude-haiku-4-5", { schema: { type: "object" } }), [undefined, "format"])
    assert.deepStrictEqual(asked("claude-haiku-4-5", { format: { _tag: "Json" } }).lost, ["format"])
  })

  it("goes along with an effort", () => {
    const format = { _tag: "JsonSchema", name: undefined, description: undefined, schema, strict: true } as const
    const thinking = { enabled: true, effort: "low", budgetTokens: undefined }
    const { json } = asked("claude-opus-5", { format, thinking })
    assert.hasAllKeys(json["output_config"], ["effort", "format"])
  })
})
