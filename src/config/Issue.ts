import type * as ParseResult from "effect/ParseResult"
import * as Option from "effect/Option"
import * as SchemaAST from "effect/SchemaAST"
import type { Problem } from "./ConfigError.js"

/** Where a value is, from the root of the file. Numbers are places in a list. */
export type Path = ReadonlyArray<string | number>

/** Something wrong at a path, before its line is known. */
export interface Issue {
  readonly path: Path
  readonly message: string
}

/** `["instances", 0, "id"]` as `instances[0].id`. */
const showPath = (path: Path): string => {
  let text = ""
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`
    else if (!/^[\w-]+$/.test(step)) text += `[${JSON.stringify(step)}]`
    else text += text === "" ? step : `.${step}`
  }
  return text
}

/** One problem a path: what comes later at the same place follows from the first. */
export const toProblems = (
  issues: ReadonlyArray<Issue>,
  lineOf: (path: Path) => number | undefined = () => undefined
): ReadonlyArray<Problem> => {
  const problems = new Map<string, Problem>()
  for (const { message, path } of issues) {
    const shown = showPath(path)
    const line = lineOf(path)
    if (!problems.has(shown)) problems.set(shown, { path: shown, message, ...(line === undefined ? {} : { line }) })
  }
  return [...problems.values()]
}

/**
 * The leaves of a schema's complaint. A message is made from the schema's `description` alone and never repeats the value,
 * which may be a key in the wrong place.
 */
export const fromParseIssue = (issue: ParseResult.ParseIssue, path: Path = []): ReadonlyArray<Issue> => {
  switch (issue._tag) {
    case "Pointer":
      return fromParseIssue(issue.issue, [...path, ...steps(issue.path)])
    case "Missing":
      return [{ path, message: "is required" }]
    case "Unexpected":
    case "Forbidden":
      return [{ path, message: "is not allowed here" }]
    case "Type":
      return [{ path, message: expectation(issue.ast) ?? shapes[issue.ast._tag] ?? "has the wrong type" }]
    case "Refinement":
    case "Transformation": {
      const message = expectation(issue.ast)
      return message === undefined ? fromParseIssue(issue.issue, path) : [{ path, message }]
    }
    case "Composite": {
      const message = expectation(issue.ast)
      if (message !== undefined) return [{ path, message }]
      return many(issue.issues).flatMap((inner) => fromParseIssue(inner, path))
    }
  }
}

const shapes: Partial<Record<SchemaAST.AST["_tag"], string>> = {
  TypeLiteral: "must be a mapping of fields",
  TupleType: "must be a list"
}

const expectation = (ast: SchemaAST.Annotated): string | undefined =>
  Option.getOrUndefined(Option.map(SchemaAST.getDescriptionAnnotation(ast), (description) => `must be ${description}`))

const steps = (path: ParseResult.Path): Path =>
  many(path).map((step) => (typeof step === "symbol" ? String(step) : step))

const many = <A>(one: A | ReadonlyArray<A>): ReadonlyArray<A> => (isMany(one) ? one : [one])

const isMany = <A>(one: A | ReadonlyArray<A>): one is ReadonlyArray<A> => Array.isArray(one)
