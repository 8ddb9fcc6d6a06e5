import type { Dimension } from "./Rollup.js"

/** What a budget is of: a scope as `global`, `provider:openai` or `user:alice`. */
export interface BudgetScope {
  readonly dimension: Dimension
  /** `*`: each one has a budget of its own; empty where it is global. */
  readonly value: string
}

/** `undefined`: it is none. */
export const parse = (scope: string): BudgetScope | undefined => {
  if (scope === "global") return { dimension: "global", value: "" }
  const [, dimension, value] = /^(provider|instance|model|user|key):(.+)$/s.exec(scope) ?? []
  return isDimension(dimension) && value !== undefined ? { dimension, value } : undefined
}

/** The scope whose budget is one for each, where this has none of its own: `user:*` of `user:alice`. */
export const eachOf = (scope: string): string => scope.replace(/^(user|key):.*$/s, "$1:*")

/** Is there one for each, and none of its own? */
export const isEach = (scope: string): boolean => scope === "user:*" || scope === "key:*"

const isDimension = (word: string | undefined): word is Dimension => word !== undefined && dimensions.has(word)

const dimensions: ReadonlySet<string> = new Set<Dimension>(["provider", "instance", "model", "user", "key"])
