import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Yaml from "yaml"
import type { Problem } from "./ConfigError.js"
import type { Path } from "./Issue.js"

/** What a config file says, before anybody has checked it. */
export interface ConfigSource {
  readonly value: unknown
  /** What is wrong with it already: fields that are given twice. */
  readonly problems: ReadonlyArray<Problem>
  /** The line, from 1, of the value at a path, or of the nearest thing around it. */
  readonly lineOf: (path: Path) => number | undefined
}

/** Reads YAML, of which JSON is a part. Its problems repeat nothing of the text, which may hold keys. */
export const parse = (text: string): Either.Either<ConfigSource, ReadonlyArray<Problem>> => {
  const lines = new Yaml.LineCounter()
  const document = Yaml.parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    resolveKnownTags: false
  })
  // A fault of the syntax drags others behind it; a field that is given twice does not.
  const faults = [...document.errors, ...document.warnings].toSorted((one, other) => one.pos[0] - other.pos[0])
  const first = faults.findIndex(({ code }) => code !== "DUPLICATE_KEY")
  const problems = (first < 0 ? faults : faults.slice(0, first + 1)).map((fault) => describe(fault, text, lines))
  if (first >= 0) return Either.left(problems)
  return Either.try({
    try: () => {
      const value: unknown = document.toJS() ?? {}
      // Throws where an alias stands inside of what it names: nobody would ever come to the end of such a value.
      JSON.stringify(value)
      return { value, problems, lineOf: (path: Path) => lineOf(document, lines, path) }
    },
    catch: () => [
      { path: "", message: "uses a YAML alias (*name) that is not defined or contains itself, or far too many of them" }
    ]
  })
}

/** Without the fields that were left empty: `tasks:` with nothing below it is as good as absent. */
export const withoutEmpty = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutEmpty)
  if (!Predicate.isReadonlyRecord(value)) return value
  const given = Object.entries(value).filter(([, child]) => child !== null)
  return Object.fromEntries(given.map(([key, child]) => [key, withoutEmpty(child)]))
}

const messages: Partial<Record<Yaml.ErrorCode, string>> = {
  BAD_INDENT: "the indentation is wrong, or a bracket is not closed",
  BLOCK_AS_IMPLICIT_KEY: "a value that holds `: ` needs quotes, or the indentation is wrong",
  DUPLICATE_KEY: "this field is given twice",
  MISSING_CHAR: "a quote, bracket, comma or colon is missing",
  MULTIPLE_DOCS: "there is more than one document in the file",
  NON_STRING_KEY: "a field's name must be text",
  TAB_AS_INDENT: "YAML is indented with spaces, not tabs",
  TAG_RESOLVE_FAILED: "a YAML tag (!name) is not known; a value that begins with ! needs quotes"
}

const describe = (fault: Yaml.YAMLError, text: string, lines: Yaml.LineCounter): Problem => {
  const { line } = lines.linePos(fault.pos[0])
  const start = lines.lineStarts[line - 1] ?? 0
  const written = text.slice(start, lines.lineStarts[line])
  const message = messages[fault.code] ?? "this is neither YAML nor JSON"
  const quotes = written.includes("${") ? "; between { } or [ ], or with `: ` in it, a ${VAR} needs quotes" : ""
  return { path: "", message: message + quotes, line }
}

const lineOf = (document: Yaml.Document, lines: Yaml.LineCounter, path: Path): number | undefined => {
  let node: unknown = document.contents
  let offset = startOf(node)
  for (const step of path) {
    const holder = Yaml.isAlias(node) ? node.resolve(document) : node
    if (Yaml.isMap(holder)) {
      const pair = holder.items.find(({ key }) => Yaml.isScalar(key) && key.value === step)
      if (pair === undefined) break
      offset = startOf(pair.key) ?? offset
      node = pair.value
    } else if (Yaml.isSeq(holder) && typeof step === "number") {
      node = holder.items[step]
      offset = startOf(node) ?? offset
    } else break
  }
  return offset === undefined ? undefined : lines.linePos(offset).line
}

const startOf = (node: unknown): number | undefined => (Yaml.isNode(node) ? node.range?.[0] : undefined)
