import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import type { Message, Part, Prompt } from "../../../src/domain/Prompt.js"
import * as PromptIn from "../../../src/protocol/anthropic/PromptIn.js"
import * as RequestOut from "../../../src/protocol/anthropic/RequestOut.js"
import * as Json from "../../../src/protocol/Json.js"
import type { Lost } from "../../../src/protocol/Lossiness.js"
import { outbound } from "../../support/turns.js"
import { anyPrompt } from "./askingAnything.js"

/** What Anthropic has no word for in a part; `undefined` for a part that it has one for. Written from its reference. */
const unsayable = (part: Part): Lost | undefined => {
  switch (part._tag) {
    case "Audio":
      return "audio"
    case "Foreign":
      return `foreign:${part.kind}`
    case "Sealed":
    case "Reasoning":
      return part.seal?.origin === "anthropic" ? undefined : "reasoning_history"
    case "Image":
      if (part.source._tag === "Url") return part.source.url.startsWith("https:") ? undefined : "image_urls"
      return part.source._tag === "Base64" && part.source.mediaType !== "image/bmp" ? undefined : "images"
    case "Document":
      if (part.source._tag === "Url") return part.source.url.startsWith("https:") ? undefined : "documents"
      return part.source._tag === "Base64" && part.source.mediaType !== "application/pdf" ? "documents" : undefined
    default:
      return undefined
  }
}

/** What a part says beside itself that Anthropic has no word for. */
const beside = (part: Part): ReadonlyArray<Lost> => [
  ...(part._tag === "Image" && part.detail !== undefined ? ["image_detail" as const] : []),
  ...(part._tag === "ToolCall" && part.seal !== undefined ? ["reasoning_history" as const] : [])
]

const everyPart = ({ messages }: Prompt): ReadonlyArray<Part> =>
  messages
    .flatMap(({ parts }) => parts)
    .flatMap((part) => (part._tag === "ToolResult" ? [...part.parts, part] : [part]))

const inParts: ReadonlySet<Lost> = new Set<Lost>([
  "audio",
  "documents",
  "image_detail",
  "image_urls",
  "images",
  "reasoning_history"
])

/** A part as it is when it was told; nothing for what cannot be told, or says nothing. */
const toldPart = (part: Part, lost: ReadonlySet<Lost>): ReadonlyArray<Part> => {
  if (unsayable(part) !== undefined) return []
  const kept = lost.has("cache_control") && "cache" in part ? { ...part, cache: undefined } : part
  switch (kept._tag) {
    case "Text":
    case "Refusal":
      return kept.text.trim() === "" ? [] : [{ cache: undefined, ...kept, _tag: "Text" }]
    case "Image":
      return [{ ...kept, detail: undefined }]
    case "ToolCall":
      return [{ ...kept, seal: undefined, arguments: Json.stringify(Json.parsed(kept.arguments)) }]
    case "ToolResult":
      return [{ ...kept, parts: kept.parts.flatMap((inner) => toldPart(inner, lost)) }]
    default:
      return [kept]
  }
}

/** Who says what: those who speak in a row speak once, results come first. */
const toldTurns = ({ messages }: Prompt, lost: ReadonlySet<Lost>): ReadonlyArray<Message> => {
  const turns: Array<Message> = []
  for (const { parts, role } of messages) {
    const told = parts.flatMap((part) => toldPart(part, lost))
    const last = turns.at(-1)
    if (told.length === 0) continue
    if (last?.role === role) turns.splice(-1, 1, { role, parts: [...last.parts, ...told] })
    else turns.push({ role, parts: told })
  }
  const isResult = ({ _tag }: Part) => _tag === "ToolResult"
  return turns.map(({ parts, role }) => ({
    role,
    parts: [...parts.filter(isResult), ...parts.filter((part) => !isResult(part))]
  }))
}

/** Each member that `lost` may name, as it is when it was told. What Anthropic does anyway is the same as not asked for. */
const toldMembers = (asked: Prompt, lost: ReadonlySet<Lost>): ReadonlyArray<readonly [Lost, unknown]> => {
  const { format, thinking, toolChoice, tools } = asked
  const called = tools.length > 0
  const thinks = thinking?.enabled === true
  return [
    ["temperature", asked.temperature ?? 1],
    ["top_p", asked.topP ?? 1],
    ["top_k", asked.topK],
    ["stop", asked.stop],
    ["seed", asked.seed],
    ["presence_penalty", asked.presencePenalty || undefined],
    ["frequency_penalty", asked.frequencyPenalty || undefined],
    ["choices", asked.choices === 1 ? undefined : asked.choices],
    ["user", asked.user],
    ["format", format !== undefined],
    // A rule that is told in words is in the description.
    ["format_schema", format?._tag === "JsonSchema" && !lost.has("format") ? format.schema : undefined],
    ["tools", tools.map(({ description, name, parameters }) => ({ description, name, parameters }))],
    ["strict_tools", tools.map(({ strict }) => strict ?? false)],
    ["cache_control", tools.map(({ cache }) => cache)],
    // A choice between no tools is none; the usual one need not be told.
    ["tool_choice", called ? (toolChoice ?? { _tag: "Auto" }) : "none"],
    ["parallel_tools", called && toolChoice?._tag !== "None" ? (asked.parallelTools ?? true) : true],
    ["thinking", thinks],
    [
      "thinking_budget",
      thinks && !lost.has("thinking") && thinking.effort === undefined ? thinking.budgetTokens : "any"
    ]
  ]
}

describe("a request to Anthropic", () => {
  it("keeps all that it does not say is lost, whatever the prompt and the model", () => {
    FastCheck.assert(
      FastCheck.property(anyPrompt, model, (asked, name) => {
        const { back, lost } = thereAndBack(asked, name)
        assert.deepStrictEqual(toldTurns(back, lost), toldTurns(asked, lost))
        const kept = (prompt: Prompt) =>
          Object.fromEntries(toldMembers(prompt, lost).filter(([member]) => !lost.has(member)))
        assert.deepStrictEqual(kept({ ...back, ...unasked(asked, back) }), kept(asked))
        if (asked.maxTokens !== undefined) assert.strictEqual(back.maxTokens, asked.maxTokens)
      }),
      { numRuns: 1_000 }
    )
  })

  it("says of a part that it is lost when it is, and only then", () => {
    FastCheck.assert(
      FastCheck.property(anyPrompt, model, (asked, name) => {
        const { lost } = thereAndBack(asked, name)
        const parts = everyPart(asked)
        // The detail of an image that is lost itself may be named or not.
        const expected = [...parts.flatMap((part) => unsayable(part) ?? []), ...parts.flatMap(beside)]
        const foreign = asked.foreign.map((member): Lost => `foreign:${member}`)
        const named = [...lost].filter((member) => inParts.has(member) || member.startsWith("foreign:"))
        assert.deepStrictEqual(named.toSorted(), [...new Set([...expected, ...foreign])].toSorted())
      }),
      { numRuns: 1_000 }
    )
  })
})

const model = FastCheck.constantFrom(
  "claude-3-5-haiku-latest",
  "claude-opus-4-1",
  "claude-sonnet-4-6",
  "claude-opus-5",
  "another"
)

const thereAndBack = (asked: Prompt, name: string) => {
  const { json, lost } = RequestOut.encode(asked, outbound({ model: name, realm: "anthropic" }))
  return { back: PromptIn.prompt(json), lost }
}

/** How an effort is told is another story: it may become a budget that nobody asked for. */
const unasked = (asked: Prompt, { thinking }: Prompt): Partial<Prompt> => {
  if (thinking === undefined) return {}
  const { budgetTokens, effort } = asked.thinking ?? thinking
  return { thinking: { ...thinking, effort, budgetTokens: budgetTokens && thinking.budgetTokens } }
}
