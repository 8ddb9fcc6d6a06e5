import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import type { CacheMark, Message, Part, Prompt } from "../../../src/domain/Prompt.js"
import type { JsonObject } from "../../../src/protocol/Dialects.js"
import * as Json from "../../../src/protocol/Json.js"
import * as PromptIn from "../../../src/protocol/anthropic/PromptIn.js"
import { prompt } from "../../support/turns.js"
import { asked, tool } from "./asking.js"

const optional = <A>(value: FastCheck.Arbitrary<A>) => FastCheck.option(value, { nil: undefined })

const words = FastCheck.constantFrom("", " ", "\n", "a", "Grüße 👋")
const cache: FastCheck.Arbitrary<CacheMark | undefined> = optional(
  FastCheck.constantFrom({ ttl: "5m" } as const, { ttl: "1h" } as const)
)
const origin = FastCheck.constantFrom("anthropic", "gemini")
const seal = FastCheck.record({ origin, value: FastCheck.string({ minLength: 1 }) })
const id = FastCheck.constantFrom("call_1", "toolu_2", "fc:3|x", "")
const source = FastCheck.oneof(
  FastCheck.record({
    _tag: FastCheck.constant("Base64" as const),
    mediaType: FastCheck.constantFrom("image/png", "application/pdf", "text/csv", "video/mp4"),
    data: FastCheck.base64String()
  }),
  FastCheck.record({ _tag: FastCheck.constant("Url" as const), url: FastCheck.webUrl() }),
  FastCheck.record({ _tag: FastCheck.constant("PlainText" as const), text: words })
)

const shown: FastCheck.Arbitrary<Part> = FastCheck.oneof(
  FastCheck.record({ _tag: FastCheck.constant("Text" as const), text: words, cache }),
  FastCheck.record({ _tag: FastCheck.constant("Image" as const), source, detail: optional(words), cache }),
  FastCheck.record({ _tag: FastCheck.constant("Document" as const), source, name: optional(words), cache })
)

const part: FastCheck.Arbitrary<Part> = FastCheck.oneof(
  shown,
  FastCheck.record({ _tag: FastCheck.constant("Reasoning" as const), text: words, seal: optional(seal) }),
  FastCheck.record({ _tag: FastCheck.constant("Sealed" as const), seal }),
  FastCheck.record({ _tag: FastCheck.constant("Refusal" as const), text: words }),
  FastCheck.record({
    _tag: FastCheck.constant("ToolCall" as const),
    id,
    name: FastCheck.constantFrom("look", "go"),
    arguments: FastCheck.oneof(FastCheck.json(), FastCheck.string()),
    seal: optional(seal),
    cache
  }),
  FastCheck.record({
    _tag: FastCheck.constant("ToolResult" as const),
    id,
    name: FastCheck.constant(undefined),
    parts: FastCheck.array(shown, { maxLength: 3 }),
    failed: FastCheck.boolean(),
    cache
  }),
  FastCheck.record({ _tag: FastCheck.constant("Audio" as const), format: words, data: words }),
  FastCheck.record({ _tag: FastCheck.constant("Foreign" as const), kind: words })
)

const message: FastCheck.Arbitrary<Message> = FastCheck.record({
  role: FastCheck.constantFrom("system", "user", "assistant"),
  parts: FastCheck.array(part, { maxLength: 4 })
})

const anyPrompt: FastCheck.Arbitrary<Partial<Prompt>> = FastCheck.record({
  messages: FastCheck.array(message, { maxLength: 8 }),
  tools: FastCheck.array(
    FastCheck.record({ cache, strict: optional(FastCheck.boolean()) }).map((more) => tool("look", more)),
    { maxLength: 3 }
  ),
  toolChoice: optional(
    FastCheck.constantFrom<NonNullable<Prompt["toolChoice"]>>(
      { _tag: "Auto" },
      { _tag: "None" },
      { _tag: "Required" },
      { _tag: "Tool", name: "look" }
    )
  ),
  parallelTools: optional(FastCheck.boolean()),
  maxTokens: optional(FastCheck.integer({ min: 1, max: 200_000 })),
  temperature: optional(FastCheck.double({ min: 0, max: 2, noNaN: true })),
  topP: optional(FastCheck.double({ min: 0, max: 1, noNaN: true })),
  topK: optional(FastCheck.nat()),
  stop: FastCheck.array(words, { maxLength: 3 }),
  thinking: optional(
    FastCheck.record({
      enabled: FastCheck.boolean(),
      effort: optional(FastCheck.constantFrom("minimal", "low", "high", "xhigh", "max", "odd")),
      budgetTokens: optional(FastCheck.integer({ min: -1, max: 200_000 }))
    })
  )
})

const model = FastCheck.constantFrom(
  "claude-3-haiku-20240307",
  "claude-opus-4-1",
  "claude-sonnet-4-5",
  "claude-opus-4-6",
  "claude-opus-4-8",
  "claude-opus-5",
  "claude-fable-5-1",
  "another"
)

const isResult = ({ type }: JsonObject): boolean => type === "tool_result"

const assertForm = (json: JsonObject): void => {
  const turns = Json.records(json["messages"])
  const blocks = turns.map(({ content }) => Json.records(content))
  const all = [json["tools"], json["system"], ...blocks]
    .flatMap(Json.records)
    .flatMap((block) => [...Json.records(block["content"]), block])
  turns.forEach(({ role }, position) => assert.notStrictEqual(role, turns[position + 1]?.["role"]))
  for (const content of blocks) {
    assert.isNotEmpty(content)
    assert.isFalse(content.slice(content.filter(isResult).length).some(isResult), "results are first")
  }
  for (const { content, id: callId, text, tool_use_id, type } of all) {
    if (type === "text") assert.match(String(text), /\S/)
    if (type === "tool_use") assert.match(String(callId), /^[a-zA-Z0-9_-]+$/)
    if (type === "tool_result") assert.match(String(tool_use_id), /^[a-zA-Z0-9_-]+$/)
    if (content !== undefined) assert.isNotEmpty(content)
  }
  const ttls = all.flatMap(({ cache_control }) =>
    cache_control === undefined ? [] : [Json.record(cache_control)["ttl"] ?? "5m"]
  )
  assert.isAtMost(ttls.length, 4)
  assert.deepStrictEqual(ttls, ttls.toSorted(), "the longer ones are first")
  const { max_tokens, temperature, thinking, tool_choice, tools, top_k, top_p } = json
  if (tools === undefined) assert.isUndefined(tool_choice)
  const { budget_tokens, type: kind } = Json.record(thinking)
  const thinks = kind === "enabled" || kind === "adaptive"
  if (temperature !== undefined) assert.isFalse(thinks || Number(temperature) > 1)
  if (thinks) assert.isUndefined(top_k)
  if (thinks && top_p !== undefined) assert.isAtLeast(Number(top_p), 0.95)
  if (kind !== "enabled") return
  assert.isTrue(Number(budget_tokens) >= 1024 && Number(budget_tokens) < Number(max_tokens))
  assert.isFalse(["any", "tool"].includes(String(Json.record(tool_choice)["type"])))
}

describe("Every request to Anthropic", () => {
  it("has the form that Anthropic takes, whatever the prompt", () => {
    FastCheck.assert(
      FastCheck.property(anyPrompt, model, (more, name) => assertForm(asked(name, more).json)),
      { numRuns: 1_000 }
    )
  })

  it("is read as the same again once it is written, and loses nothing more", () => {
    FastCheck.assert(
      FastCheck.property(anyPrompt, (more) => {
        const { json } = asked("claude-opus-4-6", more)
        const again = asked("claude-opus-4-6", PromptIn.prompt(json))
        // What has become adaptive is told as such and no more as a budget.
        assert.deepStrictEqual(again, { json, lost: [] })
      }),
      { numRuns: 1_000 }
    )
  })

  it("asks for what Anthropic's own request asked for", () => {
    const own = {
      model: "claude-opus-4-6",
      max_tokens: 9_000,
      system: [{ type: "text", text: "a", cache_control: { type: "ephemeral", ttl: "1h" } }],
      messages: [
        { role: "user", content: [{ type: "text", text: "b" }] },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "c", signature: "d" },
            { type: "redacted_thinking", data: "e" },
            { type: "tool_use", id: "toolu_1", name: "look", input: { n: 1 } }
          ]
        },
        {
          role: "user",
          content: [
            {
              type: "tool_result",
              tool_use_id: "toolu_1",
              content: [{ type: "image", source: { type: "url", url: "https://a.test/b" } }],
              is_error: true
            },
            { type: "document", source: { type: "text", media_type: "text/plain", data: "f" }, title: "g" }
          ]
        }
      ],
      tools: [{ name: "look", description: "Looks.", input_schema: { type: "object" } }],
      tool_choice: { type: "auto", disable_parallel_tool_use: true },
      thinking: { type: "enabled", budget_tokens: 2_000 },
      output_config: { format: { type: "json_schema", schema: { type: "string" } } },
      top_p: 0.97,
      stop_sequences: ["END"],
      metadata: { user_id: "u" }
    }
    const { json, lost } = asked("claude-opus-4-6", prompt(PromptIn.prompt(own)))
    assert.deepStrictEqual<object>(json, own)
    assert.deepStrictEqual(lost, [])
  })
})
