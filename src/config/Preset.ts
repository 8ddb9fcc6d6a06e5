import * as Predicate from "effect/Predicate"
import type { ConfigFileEncoded } from "./ConfigFile.js"
import type { Settings } from "./Settings.js"

/** Config files in code, one for each `NODE_ENV` that has one. A user's file is laid over them. */
export const presets = {
  /** Says a lot, and gives up early. */
  development: {
    routing: { deadline: "60s", maxAttempts: 4 },
    health: { cacheFor: "10s" },
    cache: { ttl: "1m" },
    server: { bodyLimit: "2MiB", drain: "5s" },
    log: { level: "debug", format: "pretty" }
  },
  production: {
    routing: { deadline: "120s", maxAttempts: 6 },
    health: { cacheFor: "60s" },
    cache: { ttl: "1h" },
    server: { bodyLimit: "10MiB", drain: "120s" },
    log: { level: "info", format: "json" }
  }
} satisfies Record<NonNullable<Settings["preset"]>, ConfigFileEncoded>

/** The preset that a `NODE_ENV` selects; any other value selects none. */
export const named = (nodeEnv: string | undefined): Settings["preset"] =>
  nodeEnv === "development" || nodeEnv === "production" ? nodeEnv : undefined

/** `over` on top of `under`: mappings are merged, everything else replaces what it covers. */
export const overlay = (under: unknown, over: unknown): unknown => {
  if (!Predicate.isReadonlyRecord(under) || !Predicate.isReadonlyRecord(over)) return over
  const covered = Object.entries(over).map(([key, value]) => [key, overlay(under[key], value)])
  return { ...under, ...Object.fromEntries(covered) }
}
