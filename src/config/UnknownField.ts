import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import { ConfigFile } from "./ConfigFile.js"
import type { Issue, Path } from "./Issue.js"
import { nearest } from "./Nearest.js"

/**
 * Everything in a config file that this version would pass over in silence: fields that nobody knows, and fields and words
 * that are documented but not there yet.
 */
export const find = (value: unknown): ReadonlyArray<Issue> => walk(value, shape, [])

/** The same of a file of another form. */
export const findIn = <A, I>(schema: Schema.Schema<A, I>, value: unknown): ReadonlyArray<Issue> =>
  walk(value, Schema.encodedSchema(schema).ast, [])

const shape = Schema.encodedSchema(ConfigFile).ast

/** Documented fields of later versions. `[]` stands for any place in a list. */
const laterFields: ReadonlySet<string> = new Set(["cache", "alerts"])

/** Words of later versions, and what this one offers. */
const laterWords: Readonly<Record<string, { readonly words: ReadonlyArray<string>; readonly now: string }>> = {
  "instances[].retry.backoff": { words: ["linear", "constant", "fixed", "fibonacci"], now: "use exponential" },
  "instances[].retry.jitter": { words: ["equal", "decorrelated"], now: "use full or none" }
}

const walk = (value: unknown, ast: SchemaAST.AST, path: Path): ReadonlyArray<Issue> => {
  if (ast._tag === "TypeLiteral" && Predicate.isReadonlyRecord(value)) {
    return Object.entries(value).flatMap(([key, child]) => {
      const known = ast.propertySignatures.find(({ name }) => name === key) ?? ast.indexSignatures[0]
      const below = [...path, key]
      return known === undefined ? [unknown(below, ast)] : walk(child, known.type, below)
    })
  }
  if (ast._tag === "TupleType" && Array.isArray(value)) {
    return value.flatMap((child: unknown, place) => {
      const item = ast.elements[place] ?? ast.rest[0]
      return item === undefined ? [] : walk(child, item.type, [...path, place])
    })
  }
  if (ast._tag === "Union") {
    const tag = Array.isArray(value) ? "TupleType" : "TypeLiteral"
    const member = typeof value === "object" ? ast.types.find(({ _tag }) => _tag === tag) : undefined
    if (member !== undefined) return walk(value, member, path)
  }
  const later = laterWords[pattern(path)]
  return typeof value === "string" && later?.words.includes(value) === true
    ? [{ path, message: `${value} is not implemented in this version; ${later.now}` }]
    : []
}

const unknown = (path: Path, ast: SchemaAST.TypeLiteral): Issue => {
  if (laterFields.has(pattern(path))) return { path, message: "is not implemented in this version" }
  const names = ast.propertySignatures.map(({ name }) => String(name))
  const meant = nearest(String(path.at(-1)), names)
  return {
    path,
    message: meant === undefined ? "is not a known field" : `is not a known field; did you mean ${meant}?`
  }
}

const pattern = (path: Path): string => {
  let text = ""
  for (const step of path) text += typeof step === "number" ? "[]" : text === "" ? step : `.${step}`
  return text
}
