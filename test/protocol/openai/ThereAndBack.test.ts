import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import type { Message, Part, Prompt } from "../../../src/domain/Prompt.js"
import type { Outbound } from "../../../src/protocol/Dialects.js"
import * as Json from "../../../src/protocol/Json.js"
import type { Lost } from "../../../src/protocol/Lossiness.js"
import * as PromptIn from "../../../src/protocol/openai/PromptIn.js"
import * as RequestOut from "../../../src/protocol/openai/RequestOut.js"
import { outbound } from "../../support/turns.js"
import { anyPrompt } from "./anyPrompt.js"

/** Vendors that differ in what they can be told. */
const vendors: Readonly<Record<string, Partial<Outbound>>> = {
  "any vendor": {},
  "OpenAI's reasoning models": { model: "gpt-5", quirks: { openai: true, thinking: "reasoning_effort" } },
  "Google's compatible endpoint": { realm: "gemini", quirks: { knows: ["top_k", "cache_control"] } },
  OpenRouter: {
    realm: "openrouter",
    quirks: { reasoning: "reasoning_details", thinking: "reasoning", knows: ["top_k", "cache_control"] }
  },
  "a vendor that takes plain reasoning back": { quirks: { reasoning: "reasoning_content", maxTokensOnly: true } },
  "a vendor that refuses much": {
    quirks: { refuses: ["seed", "user", "n", "parallel_tool_calls", "response_format", "stop", "top_p"] }
  }
}

type Kind<Tag extends Part["_tag"]> = Part & { readonly _tag: Tag }

const is =
  <Tag extends Part["_tag"]>(...tags: ReadonlyArray<Tag>) =>
  (part: Part): part is Kind<Tag> =>
    tags.some((tag) => tag === part._tag)

// ---------------------------------------------------------------------------------------------- other words for the same

/** Seals of this origin, and thoughts in this form, go out. */
type Taken = Pick<Outbound, "realm" | "quirks">

/** The prompt as OpenAI's dialect says the same, where it says it in another way. */
const inOtherWords = (asked: Prompt, taken: Taken): Prompt => ({
  ...asked,
  messages: asked.messages.flatMap((message) => messagesOf(message, taken)),
  // What nobody may choose among is not chosen.
  toolChoice: asked.tools.length === 0 ? undefined : asked.toolChoice,
  parallelTools: asked.tools.length === 0 ? undefined : asked.parallelTools,
  format: asked.format?._tag === "JsonSchema" ? { ...asked.format, name: asked.format.name ?? "answer" } : asked.format,
  thinking: asked.thinking === undefined ? undefined : thinkingOf(asked.thinking, taken)
})

/** Each result is a message of its own, and what else the user says is one behind them. */
const messagesOf = ({ parts, role }: Message, taken: Taken): ReadonlyArray<Message> => {
  if (role === "assistant") return [{ role, parts: spoken(parts, taken) }]
  const results = parts.filter(is("ToolResult"))
  const rest = parts.filter((part) => !is("ToolResult", "Foreign")(part)).map(named)
  const isLeft = rest.some((part) => !isElsewhere(part)) || results.length === 0
  return [
    ...results.map((result): Message => ({ role, parts: [lastMarked(result)] })),
    ...(isLeft ? [{ role, parts: rest }] : [])
  ]
}

/** A mark on a result is one on its last text. */
const lastMarked = ({ cache, ...result }: Kind<"ToolResult">): Part => {
  const marked = result.parts.map((part, at) =>
    part._tag === "Text" && at === result.parts.length - 1 ? { ...part, cache: part.cache ?? cache } : part
  )
  return { ...result, parts: marked, cache: undefined }
}

/** OpenAI demands a name. */
const named = (part: Part): Part => (part._tag === "Document" ? { ...part, name: part.name ?? "document.pdf" } : part)

/** Thoughts, texts, one refusal and calls, in this order. */
const spoken = (parts: ReadonlyArray<Part>, taken: Taken): ReadonlyArray<Part> => {
  const refusal = parts
    .filter(is("Refusal"))
    .map((part) => part.text)
    .join("")
  return [
    ...thoughts(parts.filter(is("Reasoning", "Sealed")), taken),
    ...parts.filter(is("Text")),
    ...(refusal === "" ? [] : [{ _tag: "Refusal", text: refusal } as const]),
    ...parts
      .filter(is("ToolCall"))
      .map((call) => ({ ...call, arguments: call.arguments === "" ? "{}" : call.arguments }))
  ]
}

/** Those who take plain reasoning get it in one piece, without seals. */
const thoughts = (parts: ReadonlyArray<Kind<"Reasoning" | "Sealed">>, { quirks }: Taken): ReadonlyArray<Part> => {
  if (quirks.reasoning !== "reasoning_content") return parts
  const text = parts.map((part) => (part._tag === "Reasoning" ? part.text : "")).join("")
  return [
    ...(text === "" ? [] : [{ _tag: "Reasoning", text, seal: undefined } as const]),
    ...parts.filter(is("Sealed"))
  ]
}

/** Off is off, however far; OpenRouter takes a budget or an effort; who is not told thinks as it likes. */
const thinkingOf = (
  { budgetTokens, effort, enabled }: NonNullable<Prompt["thinking"]>,
  { quirks }: Taken
): Prompt["thinking"] => {
  if (quirks.thinking !== "reasoning") {
    const isTold = enabled && (effort !== undefined || budgetTokens !== undefined)
    return isTold ? { enabled, effort, budgetTokens } : undefined
  }
  if (!enabled) return { enabled, effort: undefined, budgetTokens: undefined }
  if (budgetTokens !== undefined) return { enabled, effort: undefined, budgetTokens }
  return { enabled, effort: effort === "max" ? "xhigh" : effort, budgetTokens }
}

// ---------------------------------------------------------------------------------------------- what is lost

/** The prompt without the parts that `drops` tells. */
const without = (asked: Prompt, drops: (part: Part) => boolean): Prompt =>
  eachMessage(asked, ({ parts, role }) => ({ role, parts: parts.filter((part) => !drops(part)) }))

const eachPart = (asked: Prompt, change: (part: Part) => Part): Prompt =>
  eachMessage(asked, ({ parts, role }) => ({
    role,
    parts: parts
      .map((part) => (part._tag === "ToolResult" ? { ...part, parts: part.parts.map(change) } : part))
      .map(change)
  }))

const eachMessage = (asked: Prompt, change: (message: Message) => Message): Prompt => ({
  ...asked,
  messages: asked.messages.map(change)
})

const isElsewhere = (part: Part): boolean => part._tag === "Document" && part.source._tag === "Url"

const withoutCache = <A extends { readonly cache: unknown }>(part: A) => ({ ...part, cache: undefined })

/**
 * What is not compared when a name is lost. Everything else is: each field here is the whole that is lost with the name.
 */
const forget: Readonly<Partial<Record<Lost, (asked: Prompt) => Prompt>>> = {
  cache_control: (asked) => ({
    ...eachPart(asked, (part) => ("cache" in part ? withoutCache(part) : part)),
    tools: asked.tools.map(withoutCache)
  }),
  documents: (asked) => without(asked, isElsewhere),
  // All thoughts of all turns, and the seals of calls; texts and calls stay.
  reasoning_history: (asked) =>
    eachPart(without(asked, is("Reasoning", "Sealed")), (part) =>
      part._tag === "ToolCall" ? { ...part, seal: undefined } : part
    ),
  // That it failed is said in the first text.
  tool_errors: (asked) =>
    eachPart(asked, (part) =>
      part._tag === "ToolResult" ? { ...part, failed: false, parts: unerring(part.parts) } : part
    ),
  // The level is another one; that it thinks, is told, or not even that.
  thinking: (asked) => ({ ...asked, thinking: undefined }),
  thinking_budget: (asked) => ({
    ...asked,
    thinking: asked.thinking && { ...asked.thinking, effort: undefined, budgetTokens: undefined }
  }),
  // Those beyond the fourth, or all.
  stop: (asked) => ({ ...asked, stop: [] }),
  strict_tools: (asked) => ({ ...asked, tools: asked.tools.map((tool) => ({ ...tool, strict: undefined })) }),
  format_schema: (asked) => ({
    ...asked,
    format: asked.format?._tag === "JsonSchema" ? { ...asked.format, strict: undefined } : asked.format
  }),
  format: (asked) => ({ ...asked, format: undefined }),
  parallel_tools: (asked) => ({ ...asked, parallelTools: undefined }),
  temperature: (asked) => ({ ...asked, temperature: undefined }),
  top_p: (asked) => ({ ...asked, topP: undefined }),
  top_k: (asked) => ({ ...asked, topK: undefined }),
  seed: (asked) => ({ ...asked, seed: undefined }),
  presence_penalty: (asked) => ({ ...asked, presencePenalty: undefined }),
  frequency_penalty: (asked) => ({ ...asked, frequencyPenalty: undefined }),
  choices: (asked) => ({ ...asked, choices: undefined }),
  user: (asked) => ({ ...asked, user: undefined })
}

/** The texts of a result without the word that it failed. */
const unerring = (parts: ReadonlyArray<Part>): ReadonlyArray<Part> => {
  const [first, ...rest] = parts
  if (first?._tag !== "Text" || !first.text.startsWith("Error: ")) return parts
  const text = first.text.slice("Error: ".length)
  return text === "" ? rest : [{ ...first, text }, ...rest]
}

/** Its kind of parts, or its member of the request. */
const forgetForeign = (asked: Prompt, name: string): Prompt => ({
  ...without(asked, (part) => part._tag === "Foreign" && part.kind === name),
  foreign: asked.foreign.filter((each) => each !== name)
})

const forgetAll = (asked: Prompt, lost: ReadonlySet<Lost>): Prompt =>
  [...lost].reduce(
    (before, name) =>
      name.startsWith("foreign:")
        ? forgetForeign(before, name.slice("foreign:".length))
        : (forget[name] ?? assert.fail(`nobody knows what is lost with ${name}`))(before),
    asked
  )

/** OpenAI's reasoning models refuse these but for the defaults, which go unsaid. */
const unsaidDefaults = (asked: Prompt): Prompt => ({
  ...asked,
  temperature: asked.temperature === 1 ? undefined : asked.temperature,
  topP: asked.topP === 1 ? undefined : asked.topP,
  presencePenalty: asked.presencePenalty === 0 ? undefined : asked.presencePenalty,
  frequencyPenalty: asked.frequencyPenalty === 0 ? undefined : asked.frequencyPenalty
})

describe("a prompt that is written for", () => {
  for (const [whom, set] of Object.entries(vendors)) {
    const to = outbound(set)
    const normal = to.model === "gpt-5" ? unsaidDefaults : (asked: Prompt) => asked

    it.prop(
      `${whom} asks for the same when it is read again, but for what is named as lost`,
      [anyPrompt],
      ([asked]) => {
        const { json, lost } = RequestOut.encode(asked, to)
        const read = PromptIn.prompt(Json.record(Json.parse(Json.stringify(json))))
        const expected = inOtherWords(asked, to)
        assert.deepStrictEqual(normal(forgetAll(read, lost)), normal(forgetAll(expected, lost)))
      },
      { fastCheck: { numRuns: 300 } }
    )

    it.prop(`${whom} loses nothing that it does not hold`, [anyPrompt], ([asked]) => {
      const { lost } = RequestOut.encode(asked, to)
      for (const name of lost) assert.notDeepEqual(forgetAll(asked, new Set([name])), asked, name)
    })
  }
})

describe("a prompt that is read twice", () => {
  it("is the same when nothing of it was lost", () => {
    const to = outbound(vendors["OpenRouter"])
    FastCheck.assert(
      FastCheck.property(anyPrompt, (asked) => {
        const first = RequestOut.encode(asked, to)
        FastCheck.pre(first.lost.size === 0)
        const second = RequestOut.encode(PromptIn.prompt(first.json), to)
        assert.deepStrictEqual(second, first)
      }),
      { numRuns: 100 }
    )
  })
})
