import type { Thinking } from "../../domain/Prompt.js"
import type { JsonObject } from "../Dialects.js"
import type { Lost } from "../Lossiness.js"
import * as Models from "./Models.js"

/**
 * The `thinkingConfig` that tells a model how much to think; what cannot be told is put into `lost`.
 *
 * - Gemini 3 and later take a `thinkingLevel`: all of them know low, medium and high. Some refuse `minimal`, so that is
 *   told as low. A budget is told as the lowest level that holds it. They always think: told not to, they think low.
 * - Gemini 2.5 takes a `thinkingBudget` within the model's bounds; -1 leaves it to the model, 0 is off, which Pro refuses.
 *   A budget is told rather than a word, since it is the more exact.
 * - Earlier ones do not think, and of others nothing is known: any `thinkingConfig` could be refused.
 *
 * Level and budget together are refused. Sources: https://ai.google.dev/gemini-api/docs/thinking, and for what words mean
 * in tokens https://ai.google.dev/gemini-api/docs/openai.
 */
export const config = (thinking: Thinking | undefined, model: string, lost: Set<Lost>): JsonObject | undefined => {
  if (thinking === undefined) return undefined
  const generation = Models.generation(model)
  if (generation === undefined || generation < 2.5) {
    if (thinking.enabled || generation === undefined) lost.add("thinking")
    return undefined
  }
  return generation < 3 ? budget(thinking, model, lost) : level(thinking, lost)
}

type Level = "low" | "medium" | "high"

const words: ReadonlyMap<string, Level> = new Map([
  ["minimal", "low"],
  ["low", "low"],
  ["medium", "medium"],
  ["high", "high"],
  ["xhigh", "high"],
  ["max", "high"]
])

const tokens: Readonly<Record<Level, number>> = { low: 1_024, medium: 8_192, high: 24_576 }

const level = ({ budgetTokens, effort, enabled }: Thinking, lost: Set<Lost>): JsonObject => {
  if (!enabled) {
    lost.add("thinking")
    return { thinkingLevel: "low" }
  }
  if (budgetTokens !== undefined) lost.add("thinking_budget")
  const word = effort === undefined ? undefined : words.get(effort)
  if (effort !== undefined && word === undefined) lost.add("thinking")
  const told = word ?? (budgetTokens === undefined ? undefined : holding(budgetTokens))
  return { includeThoughts: true, ...(told === undefined ? {} : { thinkingLevel: told }) }
}

const holding = (budgetTokens: number): Level =>
  budgetTokens <= tokens.low ? "low" : budgetTokens <= tokens.medium ? "medium" : "high"

const budget = ({ budgetTokens, effort, enabled }: Thinking, model: string, lost: Set<Lost>): JsonObject => {
  const { canStop, least, most } = bounds(model)
  if (!enabled) {
    if (!canStop) lost.add("thinking")
    return { thinkingBudget: canStop ? 0 : least }
  }
  if (budgetTokens !== undefined) {
    const thinkingBudget = Math.min(most, Math.max(least, Math.trunc(budgetTokens)))
    if (thinkingBudget !== budgetTokens) lost.add("thinking_budget")
    return { includeThoughts: true, thinkingBudget }
  }
  const word = effort === undefined ? undefined : words.get(effort)
  if (effort !== undefined && word === undefined) lost.add("thinking")
  return { includeThoughts: true, thinkingBudget: word === undefined ? -1 : tokens[word] }
}

interface Bounds {
  readonly canStop: boolean
  /** Tokens. */
  readonly least: number
  readonly most: number
}

const bounds = (model: string): Bounds =>
  /-pro/i.test(model)
    ? { canStop: false, least: 128, most: 32_768 }
    : { canStop: true, least: /-lite/i.test(model) ? 512 : 1, most: 24_576 }
