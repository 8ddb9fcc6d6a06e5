import type { Thinking } from "../../domain/Prompt.js"
import type { JsonObject } from "../Dialects.js"
import type { Lost } from "../Lossiness.js"
import type { Traits } from "./Models.js"

/** What the thinking must go along with. */
export interface Circumstances {
  readonly traits: Traits
  /** The caller's bound of all output in tokens, thoughts included. */
  readonly maxTokens: number | undefined
  /** Thinking within a budget would be refused: a tool must be called, or a turn goes on that began without a thought. */
  readonly noBudget: boolean
}

/** The members of a request about thinking and how much may be written. */
export interface Thought {
  readonly max_tokens: number
  readonly thinking: JsonObject | undefined
  /** For `output_config`. */
  readonly effort: string | undefined
  /** The request asks for thoughts, which restricts other members. */
  readonly on: boolean
}

/**
 * How much to think, told in the way that the model takes; what cannot be told is put into `lost`.
 *
 * - Up to Claude 4.5 there is a budget, of at least 1,024 tokens and less than `max_tokens`. An effort is a share of
 *   `max_tokens`, as OpenRouter has it (https://openrouter.ai/docs/use-cases/reasoning-tokens).
 * - Claude 4.6 and later take an effort (`adaptive`), of which the highest that is not higher than asked is told. 4.6 takes
 *   a budget too.
 * - What thinks by itself is told not to, where that may be told.
 *
 * `max_tokens` must be there: without the caller's own it is 32,000, or what the model writes at most, or 4,096 for a model
 * that is not known. More than the model writes is refused, so that is told as what it writes. Source:
 * https://platform.claude.com/docs/en/build-with-claude/thinking
 */
export const write = (thinking: Thinking | undefined, circumstances: Circumstances, lost: Set<Lost>): Thought => {
  const { noBudget, traits } = circumstances
  if (thinking === undefined) return silent(circumstances)
  if (!thinking.enabled) return { ...silent(circumstances), thinking: still(traits, lost) }
  if (traits.thinking === "adaptive") return adaptive(thinking, circumstances, lost)
  if (traits.thinking === "both" && (thinking.budgetTokens === undefined || noBudget)) {
    return adaptive(thinking, circumstances, lost)
  }
  const within = traits.thinking === "none" || noBudget ? undefined : budget(thinking, circumstances, lost)
  if (within !== undefined) return within
  lost.add("thinking")
  return silent(circumstances)
}

const silent = (circumstances: Circumstances): Thought => ({
  max_tokens: maxTokens(circumstances),
  thinking: undefined,
  effort: undefined,
  on: false
})

const most = ({ maxOutput }: Traits): number => maxOutput ?? Number.POSITIVE_INFINITY

const usual = ({ maxOutput }: Traits): number => Math.min(maxOutput ?? 4_096, 32_000)

const maxTokens = ({ maxTokens: asked, traits }: Circumstances): number =>
  Math.min(asked ?? usual(traits), most(traits))

const still = ({ idle }: Traits, lost: Set<Lost>): JsonObject | undefined => {
  if (idle === "by itself") return undefined
  if (idle !== "disabled") lost.add("thinking")
  return idle === "never" ? undefined : { type: idle }
}

/** Where the model hides its thoughts by itself, the caller still means to see them. */
const adaptive = ({ budgetTokens, effort }: Thinking, circumstances: Circumstances, lost: Set<Lost>): Thought => {
  const { traits } = circumstances
  if (budgetTokens !== undefined) lost.add("thinking_budget")
  const level = effort === undefined ? undefined : levelOf(effort, traits)
  if (effort !== undefined && level === undefined) lost.add("thinking")
  return {
    max_tokens: maxTokens(circumstances),
    thinking: traits.hidesThoughts ? { type: "adaptive", display: "summarized" } : { type: "adaptive" },
    effort: level,
    on: true
  }
}

const levelOf = (effort: string, { efforts }: Traits): string | undefined => {
  const rank = ranks.indexOf(effort)
  if (rank < 0) return undefined
  return efforts.findLast((level) => ranks.indexOf(level) <= rank) ?? efforts[0]
}

const ranks: ReadonlyArray<string> = ["minimal", "low", "medium", "high", "xhigh", "max"]

/** Of `max_tokens`. */
const shares: ReadonlyMap<string, number> = new Map([
  ["minimal", 0.1],
  ["low", 0.2],
  ["medium", 0.5],
  ["high", 0.8],
  ["xhigh", 0.95],
  ["max", 0.95]
])

const leastBudget = 1_024

/** Above it connections break before there is an answer, as Anthropic warns. */
const mostBudget = 32_000

/** `undefined` when the caller's bound leaves no room for a budget. */
const budget = (
  { budgetTokens, effort }: Thinking,
  { maxTokens: asked, traits }: Circumstances,
  lost: Set<Lost>
): Thought | undefined => {
  const max_tokens = Math.min(asked ?? usual(traits) + (budgetTokens ?? 0), most(traits))
  if (max_tokens <= leastBudget) return undefined
  const share = shares.get(effort ?? "medium")
  if (share === undefined) lost.add("thinking")
  const wanted = budgetTokens ?? Math.min(mostBudget, max_tokens * (share ?? 0.5))
  const room = wanted < max_tokens ? wanted : max_tokens * 0.8
  const budget_tokens = Math.max(leastBudget, Math.floor(room))
  if (budgetTokens !== undefined && budget_tokens !== budgetTokens) lost.add("thinking_budget")
  return { max_tokens, thinking: { type: "enabled", budget_tokens }, effort: undefined, on: true }
}
