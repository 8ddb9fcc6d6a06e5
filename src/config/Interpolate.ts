import * as Predicate from "effect/Predicate"
import type { Issue, Path } from "./Issue.js"

export interface Interpolated {
  readonly value: unknown
  readonly issues: ReadonlyArray<Issue>
}

/**
 * Fills `${VAR}` and `${VAR:-default}` into every text of a parsed file, never into its syntax, so that a variable cannot
 * add fields. `env` holds no empty variables: an empty one counts as unset, as in a shell's `:-`.
 */
export const interpolate = (value: unknown, env: ReadonlyMap<string, string>, path: Path = []): Interpolated => {
  if (typeof value === "string") return fill(value, env, path)
  if (Array.isArray(value)) {
    const items = value.map((item: unknown, place) => interpolate(item, env, [...path, place]))
    return { value: items.map((item) => item.value), issues: items.flatMap((item) => item.issues) }
  }
  if (!Predicate.isReadonlyRecord(value)) return { value, issues: [] }
  const fields = Object.entries(value).map(([key, child]) => [key, interpolate(child, env, [...path, key])] as const)
  return {
    value: Object.fromEntries(fields.map(([key, field]) => [key, field.value])),
    issues: fields.flatMap(([, field]) => field.issues)
  }
}

const fill = (text: string, env: ReadonlyMap<string, string>, path: Path): Interpolated => {
  const issues: Array<Issue> = []
  const value = text.replace(
    /\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?/g,
    (written, name: string | undefined, otherwise: string | undefined) => {
      if (name === undefined) {
        issues.push({ path, message: "holds a ${ that is neither ${VAR} nor ${VAR:-default}" })
        return written
      }
      const found = env.get(name) ?? otherwise
      if (found === undefined) issues.push({ path, message: `the variable ${name} is not set` })
      return found ?? written
    }
  )
  return { value, issues }
}
