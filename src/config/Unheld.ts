import type { Settings } from "./Settings.js"

/** What holds callers, as it is configured. */
export type Limits = Pick<Settings, "rateLimits" | "budgets">

/**
 * What of it does not do over HTTP what it looks like: the gateway knows no keys of callers, and all of them are of one tenant.
 * A program that imports the Layers brings callers of its own, so these scopes are no mistake.
 */
export const notices = ({ budgets, rateLimits }: Limits): ReadonlyArray<string> => {
  const all = [...scopesOf("rateLimits", rateLimits), ...scopesOf("budgets", budgets)]
  const nobody = all.filter(({ scope }) => holdsNobody(scope))
  const everybody = all.filter(({ scope }) => scope.startsWith("tenant:") && !holdsNobody(scope))
  return [
    ...(nobody.length === 0 ? [] : [`Over HTTP nobody is held by ${list(nobody)}: ${reason}. ${what}`]),
    ...(everybody.length === 0
      ? []
      : [`Over HTTP all callers are held together by ${list(everybody)}: all are of the tenant default. ${what}`])
  ]
}

/** Is there nobody over HTTP whom this scope is about? */
export const holdsNobody = (scope: string): boolean =>
  scope.startsWith("key:") || (scope.startsWith("tenant:") && scope !== "tenant:*" && scope !== "tenant:default")

/** Why there is nobody. */
export const reason = "this gateway has no keys or tenants for callers"

const what = "What holds them is global, and user:* for each user that a request names."

interface Scoped {
  readonly path: string
  readonly scope: string
}

const scopesOf = (field: string, settings: ReadonlyArray<{ readonly scope: string }>): ReadonlyArray<Scoped> =>
  settings.map(({ scope }, at) => ({ path: `${field}[${at}]`, scope }))

const list = (all: ReadonlyArray<Scoped>): string => all.map(({ path, scope }) => `${path} (${scope})`).join(", ")
