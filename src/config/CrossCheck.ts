import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Field from "./Field.js"
import type { Issue, Path } from "./Issue.js"
import { nearest } from "./Nearest.js"
import * as PricingCheck from "./PricingCheck.js"
import { dialects, dialectsOf, vendorSlugs } from "./Vendors.js"

/**
 * What no single field shows: doubled names, what a vendor needs, targets that lead nowhere. Works on the file before it
 * is decoded, so that one wrong field does not hide what is wrong elsewhere. `made` are the environment's instances.
 */
export const crossCheck = (
  file: unknown,
  made: ReadonlyArray<string>,
  /** The environment names a Cloudflare account. */
  hasAccount: boolean
): ReadonlyArray<Issue> => {
  const instances = rows(file, "instances", [])
  const models = rows(file, "models", [])
  const limits = rows(file, "rateLimits", [])
  const ids = [...instances.map(({ fields }) => fields["id"]), ...made].filter(Predicate.isString)
  return [
    ...doubled(instances.map(({ fields, path }) => ({ name: fields["id"], path: [...path, "id"] }))),
    ...instances.flatMap((row) => checkInstance(row, hasAccount)),
    ...doubled(models.flatMap(names)),
    ...models.flatMap(checkModel),
    ...models
      .flatMap(({ fields, path }) => rows(fields, "targets", path))
      .flatMap((target) => checkTarget(target, ids)),
    ...Object.keys(member(member(file, "routing"), "weights")).flatMap((id) =>
      unknownInstance(id, ["routing", "weights", id], ids)
    ),
    ...checkBudgets(file, ids),
    ...doubled(limits.map(({ fields, path }) => ({ name: fields["scope"], path: [...path, "scope"] }))),
    ...limits.flatMap(checkLimit),
    ...repeatedWebhooks(file),
    ...idle(file)
  ]
}

const checkBudgets = (file: unknown, ids: ReadonlyArray<string>): ReadonlyArray<Issue> => {
  const budgets = rows(file, "budgets", [])
  return [
    ...doubled(budgets.map(({ fields, path }) => ({ name: fields["scope"], path: [...path, "scope"] }))),
    ...budgets.flatMap(({ fields, path }) => checkBudget(fields, path, ids))
  ]
}

/** What is wrong with a budget besides its fields. */
const checkBudget = (
  fields: Readonly<Record<string, unknown>>,
  path: Path,
  ids: ReadonlyArray<string>
): ReadonlyArray<Issue> => {
  const { daily, monthly, scope, timeZone, weekly, window, worstCase, mode } = fields
  const issues: Array<Issue> = []
  if (daily === undefined && weekly === undefined && monthly === undefined) {
    issues.push({ path, message: "must have at least one of daily, weekly and monthly" })
  }
  if (window === "rolling" && timeZone !== undefined) {
    issues.push({ path: [...path, "timeZone"], message: "does nothing without window: calendar" })
  }
  if (mode === "soft" && worstCase !== undefined) {
    issues.push({ path: [...path, "worstCase"], message: "does nothing without mode: hard" })
  }
  const [, kind, name = ""] = (Predicate.isString(scope) && /^(provider|instance):(.*)$/.exec(scope)) || []
  if (scope === "model:*") {
    issues.push({ path: [...path, "scope"], message: "must name a model; only user: and key: take * for one each" })
  }
  if (kind === "instance") issues.push(...unknownInstance(name, [...path, "scope"], ids))
  if (kind === "provider" && !vendorSlugs.some((slug) => slug === name)) {
    const meant = nearest(name, vendorSlugs)
    const hint = meant === undefined ? "" : `; did you mean ${meant}?`
    issues.push({ path: [...path, "scope"], message: `no provider is called ${name}${hint}` })
  }
  return issues
}

/** Fields that do nothing because of another one; whoever writes one should not believe that it acts. */
const idle = (file: unknown): ReadonlyArray<Issue> => {
  const [routing, circuits, health, cache] = ["routing", "circuitBreaker", "health", "cache"].map((field) =>
    member(file, field)
  )
  const hedge = member(routing, "hedge")
  const passive = (health?.["probe"] ?? "passive") === "passive"
  const rules = [
    { path: ["routing", "hedge", "after"], idle: hedge["enabled"] === undefined, needs: "enabled: true" },
    { path: ["circuitBreaker", "minimumCalls"], idle: circuits?.["failureRatio"] === undefined, needs: "failureRatio" },
    ...Object.keys(cache ?? {})
      .filter((field) => field !== "enabled")
      .map((field) => ({ path: ["cache", field], idle: cache?.["enabled"] === undefined, needs: "enabled: true" })),
    { path: ["health", "probeEvery"], idle: passive, needs: "probe: active" },
    { path: ["health", "probeWith"], idle: passive, needs: "probe: active" }
  ]
  return rules.flatMap(({ idle: does, needs, path }) => {
    const [section = "", ...rest] = path
    const field = rest.reduce<unknown>(
      (holder, key) => (Predicate.isReadonlyRecord(holder) ? holder[key] : undefined),
      member(file, section)
    )
    return does && field !== undefined ? [{ path, message: `does nothing without ${needs}` }] : []
  })
}

/** The instances of a file that is not yet decoded, as far as there are any. */
export const declared = (file: unknown): ReadonlyArray<Readonly<Record<string, unknown>>> =>
  rows(file, "instances", []).map(({ fields }) => fields)

/** The addresses of webhooks in a file that is not yet decoded: no message may show them. */
export const webhookUrls = (file: unknown): ReadonlyArray<string> => webhooks(file).map(({ url }) => url)

const webhooks = (file: unknown): ReadonlyArray<{ readonly url: string; readonly path: Path }> => {
  const list = member(file, "alerts")["webhooks"]
  return (Array.isArray(list) ? list : []).flatMap((given: unknown, place) => {
    const [url, end] = Predicate.isReadonlyRecord(given) ? [given["url"], ["url"]] : [given, []]
    return Predicate.isString(url) ? [{ url, path: ["alerts", "webhooks", place, ...end] }] : []
  })
}

const repeatedWebhooks = (file: unknown): ReadonlyArray<Issue> => {
  const all = webhooks(file)
  return all.flatMap(({ path, url }, place) =>
    all.slice(0, place).some((before) => before.url === url)
      ? [{ path, message: "is there already: name all its events in one place" }]
      : []
  )
}

interface Row {
  readonly fields: Readonly<Record<string, unknown>>
  readonly path: Path
}

interface Name {
  readonly name: unknown
  readonly path: Path
}

/** The mappings in the list that a field holds. */
const rows = (holder: unknown, field: string, path: Path): ReadonlyArray<Row> => {
  const list = Predicate.isReadonlyRecord(holder) ? holder[field] : undefined
  if (!Array.isArray(list)) return []
  return list.flatMap((fields: unknown, place) =>
    Predicate.isReadonlyRecord(fields) ? [{ fields, path: [...path, field, place] }] : []
  )
}

/** Vendors without an address of their own. */
const addressed: ReadonlySet<unknown> = new Set(["openai-compatible", "anthropic-compatible", "azure"])

/** Vendors that answer nobody without a key, and the variable that usually holds it. */
const keyVariables: ReadonlyMap<unknown, string> = new Map([
  ["openai", "OPENAI_API_KEY"],
  ["anthropic", "ANTHROPIC_API_KEY"],
  ["gemini", "GEMINI_API_KEY"],
  ["cloudflare", "CLOUDFLARE_API_TOKEN"],
  ["openrouter", "OPENROUTER_API_KEY"],
  ["azure", "AZURE_API_KEY"]
])

const checkInstance = ({ fields, path }: Row, hasAccount: boolean): ReadonlyArray<Issue> => {
  const { accountId, apiKey, apiVersion, baseUrl, capabilities, dialect, enabled = true, provider } = fields
  const { rateLimit, simulated } = fields
  const issues: Array<Issue> = [...PricingCheck.check(fields["pricing"], [...path, "pricing"])]
  const variable = keyVariables.get(provider)
  const on = Either.getOrElse(Schema.decodeUnknownEither(Field.Flag)(enabled), () => true)
  const keyless = apiKey === undefined || (Predicate.isString(apiKey) && apiKey.trim() === "")
  if (on && variable !== undefined && keyless) {
    const message = `is required while this ${provider} instance is enabled, usually as \${${variable}}`
    issues.push({ path: [...path, "apiKey"], message })
  }
  if (addressed.has(provider) && baseUrl === undefined) {
    issues.push({ path: [...path, "baseUrl"], message: `is required for provider ${provider}` })
  }
  if (Array.isArray(capabilities) && capabilities.length > 0 && !capabilities.includes("chat")) {
    const message =
      "must hold chat, since the others are asked for in chats; an empty list is for an instance without chats"
    issues.push({ path: [...path, "capabilities"], message })
  }
  if (Predicate.isReadonlyRecord(rateLimit)) issues.push(...checkRate(rateLimit, [...path, "rateLimit"]))
  const vendor = vendorSlugs.find((slug) => slug === provider)
  if (vendor === undefined) return issues
  if (vendor === "cloudflare" && accountId === undefined && baseUrl === undefined && !hasAccount) {
    issues.push({
      path: [...path, "accountId"],
      message: "is required for provider cloudflare, usually as ${CLOUDFLARE_ACCOUNT_ID}"
    })
  }
  if (vendor !== "cloudflare" && accountId !== undefined) {
    issues.push({ path: [...path, "accountId"], message: "is for provider cloudflare only" })
  }
  const spoken = dialectsOf(vendor)
  if (dialects.some((known) => known === dialect) && !spoken.some((known) => known === dialect)) {
    issues.push({ path: [...path, "dialect"], message: `provider ${vendor} speaks ${spoken.join(" and ")} only` })
  }
  if (provider !== "azure" && apiVersion !== undefined) {
    issues.push({ path: [...path, "apiVersion"], message: "is for provider azure only" })
  }
  if (provider !== "simulated" && simulated !== undefined) {
    issues.push({ path: [...path, "simulated"], message: "is for provider simulated only" })
  }
  return issues
}

const checkLimit = ({ fields, path }: Row): ReadonlyArray<Issue> => {
  const { burst, requestsPerMinute } = fields
  const alone =
    burst !== undefined && requestsPerMinute === undefined
      ? [{ path: [...path, "burst"], message: "does nothing without requestsPerMinute" }]
      : []
  return [...checkRate(fields, path), ...alone]
}

const checkRate = (fields: Row["fields"], path: Path): ReadonlyArray<Issue> =>
  fields["requestsPerMinute"] === undefined && fields["tokensPerMinute"] === undefined
    ? [{ path, message: "must hold requestsPerMinute or tokensPerMinute, or both" }]
    : []

/** Only a name that nobody is asked for needs nobody to ask. */
const checkModel = ({ fields, path }: Row): ReadonlyArray<Issue> => {
  const { enabled = true, targets } = fields
  const on = Either.getOrElse(Schema.decodeUnknownEither(Field.Flag)(enabled), () => true)
  return on && targets === undefined ? [{ path: [...path, "targets"], message: "is required" }] : []
}

const checkTarget = ({ fields, path }: Row, ids: ReadonlyArray<string>): ReadonlyArray<Issue> => {
  const id = fields["instance"]
  return Predicate.isString(id) ? unknownInstance(id, [...path, "instance"], ids) : []
}

const unknownInstance = (id: string, path: Path, ids: ReadonlyArray<string>): ReadonlyArray<Issue> => {
  if (ids.includes(id)) return []
  const meant = nearest(id, ids)
  const variable = id === "ollama" ? "OSS_MODEL_ENABLED=true" : keyVariables.get(id)
  const hint =
    meant !== undefined ? `; did you mean ${meant}?` : variable === undefined ? "" : `; ${variable} would make one`
  return [{ path, message: `no instance is called ${id}${hint}` }]
}

const member = (holder: unknown, field: string): Readonly<Record<string, unknown>> => {
  const value = Predicate.isReadonlyRecord(holder) ? holder[field] : undefined
  return Predicate.isReadonlyRecord(value) ? value : {}
}

const names = ({ fields, path }: Row): ReadonlyArray<Name> => {
  const { aliases, id } = fields
  const others: ReadonlyArray<unknown> = Array.isArray(aliases) ? aliases : []
  return [
    { name: id, path: [...path, "id"] },
    ...others.map((name, place) => ({ name, path: [...path, "aliases", place] }))
  ]
}

const doubled = (all: ReadonlyArray<Name>): ReadonlyArray<Issue> => {
  const seen = new Set<string>()
  return all.flatMap(({ name, path }) => {
    if (!Predicate.isString(name)) return []
    if (seen.has(name)) return [{ path, message: `the name ${name} is taken already` }]
    seen.add(name)
    return []
  })
}
