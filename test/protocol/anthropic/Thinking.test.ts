import { assert, describe, it } from "@effect/vitest"
import type { Prompt } from "../../../src/domain/Prompt.js"
import * as Json from "../../../src/protocol/Json.js"
import { assistant, call, result, text, user } from "../../support/turns.js"
import { asked, thought, tool } from "./asking.js"

const thinks = (model: string, thinking: Partial<NonNullable<Prompt["thinking"]>>, more: Partial<Prompt> = {}) => {
  const wanted = { enabled: true, effort: undefined, budgetTokens: undefined, ...thinking }
  const { json, lost } = asked(model, { thinking: wanted, ...more })
  const effort = Json.record(json["output_config"])["effort"]
  return { thinking: json["thinking"], effort, max: json["max_tokens"], lost }
}

const budget = (budget_tokens: number) => ({ type: "enabled", budget_tokens })
const adaptive = { type: "adaptive" }
const shown = { type: "adaptive", display: "summarized" }
const forced = { tools: [tool("look")], toolChoice: { _tag: "Required" } as const }

/** A turn that goes on behind a tool's result, begun by this thought. */
const goingOn = (origin: string | undefined): Partial<Prompt> => ({
  messages: [
    user(text("a")),
    assistant(...(origin === undefined ? [] : [thought("b", origin)]), call("c", "look", "{}")),
    user(result("c", "look", text("d"))),
    assistant(call("e", "look", "{}")),
    user(result("e", "look", text("f")))
  ]
})

describe("Thinking within a budget", () => {
  const model = "claude-sonnet-4-5"

  it("is bounded by the budget, for which there is room", () => {
    assert.deepStrictEqual(thinks(model, { budgetTokens: 10_000 }), {
      thinking: budget(10_000),
      effort: undefined,
      max: 42_000,
      lost: []
    })
    assert.deepInclude(thinks(model, { budgetTokens: 2_000 }, { maxTokens: 5_000 }), {
      thinking: budget(2_000),
      max: 5_000
    })
  })

  it("has a budget that is large enough and leaves room for an answer", () => {
    const lost = ["thinking_budget"]
    assert.deepInclude(thinks(model, { budgetTokens: 500 }), { thinking: budget(1_024), lost })
    const narrow = thinks(model, { budgetTokens: 5_000 }, { maxTokens: 5_000 })
    assert.deepInclude(narrow, { thinking: budget(4_000), max: 5_000, lost })
    assert.deepInclude(thinks(model, { budgetTokens: 90_000 }), { thinking: budget(51_200), max: 64_000, lost })
  })

  it("takes an effort as its share of all output", () => {
    const share = (effort: string | undefined, maxTokens?: number) => thinks(model, { effort }, { maxTokens }).thinking
    assert.deepStrictEqual(share("low"), budget(6_400))
    assert.deepStrictEqual(share("medium"), budget(16_000))
    assert.deepStrictEqual(share(undefined), budget(16_000))
    assert.deepStrictEqual(share("high", 10_000), budget(8_000))
    assert.deepStrictEqual(share("minimal", 2_000), budget(1_024))
    assert.deepStrictEqual(share("high", 64_000), budget(32_000))
    assert.deepInclude(thinks(model, { effort: "very" }), { thinking: budget(16_000), lost: ["thinking"] })
  })

  it("is lost where there is no room for it, where a tool must be called, and where the model cannot", () => {
    const none = { thinking: undefined, lost: ["thinking"] }
    assert.deepInclude(thinks(model, { effort: "high" }, { maxTokens: 1_024 }), none)
    assert.deepInclude(thinks(model, { effort: "high" }, forced), none)
    assert.deepInclude(thinks("claude-3-5-sonnet-20241022", { effort: "high" }), none)
  })

  it("is lost where a turn goes on that did not begin with a thought of this endpoint", () => {
    const of = (origin: string | undefined) => thinks(model, { effort: "low" }, goingOn(origin))
    assert.deepInclude(of("anthropic"), { thinking: budget(6_400), lost: [] })
    assert.deepInclude(of("gemini"), { thinking: undefined, lost: ["reasoning_history", "thinking"] })
    assert.deepInclude(of(undefined), { thinking: undefined, lost: ["thinking"] })
  })

  it("stays where a new turn begins, whoever answered before", () => {
    const messages = [...(goingOn(undefined).messages ?? []), assistant(text("g")), user(text("h"))]
    assert.deepInclude(thinks(model, { effort: "low" }, { messages }), { thinking: budget(6_400), lost: [] })
  })
})

describe("Adaptive thinking", () => {
  it("takes an effort, the highest that the model knows and that is not more than asked", () => {
    const effort = (model: string, word: string) => thinks(model, { effort: word }).effort
    assert.strictEqual(effort("claude-opus-4-6", "minimal"), "low")
    assert.strictEqual(effort("claude-opus-4-6", "medium"), "medium")
    assert.strictEqual(effort("claude-opus-4-6", "xhigh"), "high")
    assert.strictEqual(effort("claude-opus-4-8", "xhigh"), "xhigh")
    assert.strictEqual(effort("claude-opus-5", "max"), "max")
    assert.deepInclude(thinks("claude-opus-5", { effort: "very" }), { effort: undefined, lost: ["thinking"] })
  })

  it("shows its thoughts where the model hides them by itself", () => {
    assert.deepStrictEqual(thinks("claude-opus-4-6", {}).thinking, adaptive)
    assert.deepStrictEqual(thinks("claude-opus-4-7", {}).thinking, shown)
    assert.deepStrictEqual(thinks("claude-sonnet-latest", {}).thinking, shown)
  })

  it("takes no budget, but for the generation that knows both", () => {
    const lost = ["thinking_budget"]
    assert.deepInclude(thinks("claude-opus-4-7", { budgetTokens: 2_000 }), { thinking: shown, max: 32_000, lost })
    assert.deepInclude(thinks("claude-opus-4-6", { budgetTokens: 2_000 }), { thinking: budget(2_000), lost: [] })
  })

  it("goes along with a tool that must be called, and with a turn that began without a thought", () => {
    assert.deepInclude(thinks("claude-opus-4-7", {}, forced), { thinking: shown, lost: [] })
    assert.deepInclude(thinks("claude-opus-4-7", {}, goingOn(undefined)), { thinking: shown, lost: [] })
    const both = thinks("claude-opus-4-6", { budgetTokens: 2_000 }, forced)
    assert.deepInclude(both, { thinking: adaptive, lost: ["thinking_budget"] })
  })
})

describe("Not thinking", () => {
  const still = (model: string) => {
    const { lost, thinking } = thinks(model, { enabled: false })
    return [Json.record(thinking)["type"], ...lost]
  }

  it("is what a model does by itself, or is told", () => {
    assert.deepStrictEqual(still("claude-sonnet-4-5"), [undefined])
    assert.deepStrictEqual(still("claude-opus-4-8"), [undefined])
    assert.deepStrictEqual(still("claude-opus-5"), ["disabled"])
    assert.deepStrictEqual(still("claude-haiku-5-5"), ["disabled"])
    assert.deepStrictEqual(still("another"), ["disabled"])
  })

  it("is lost on a model that always thinks", () => {
    assert.deepStrictEqual(still("claude-sonnet-5-5"), ["between_tools", "thinking"])
    assert.deepStrictEqual(still("claude-opus-5-5"), [undefined, "thinking"])
    assert.deepStrictEqual(still("claude-fable-5"), [undefined, "thinking"])
    assert.deepStrictEqual(still("claude-mythos-preview"), [undefined, "thinking"])
  })

  it("is not touched where nobody asked", () => {
    const { json, lost } = asked("claude-opus-5", {})
    assert.doesNotHaveAnyKeys(json, ["thinking", "output_config"])
    assert.deepStrictEqual(lost, [])
  })
})

describe("The generation of a model", () => {
  it.each([
    ["claude-opus-4-6", adaptive],
    ["anthropic/claude-opus-4.6", adaptive],
    ["us.anthropic.claude-opus-4-6-v1:0", adaptive],
    ["claude-sonnet-4-5@20250929", budget(16_000)],
    ["claude-opus-4-20250514", budget(16_000)],
    ["claude-3-7-sonnet-20250219", budget(16_000)],
    ["anthropic.claude-3-sonnet-20240229-v1:0", undefined],
    ["claude-instant-1.2", undefined],
    ["anthropic.claude-v2:1", undefined],
    ["claude-opus-5-20260801", shown]
  ])("is read off %s", (model, thinking) => {
    assert.deepStrictEqual(thinks(model, { effort: "medium" }).thinking, thinking)
  })
})
