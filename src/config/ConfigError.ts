import * as Schema from "effect/Schema"

const ProblemFields = Schema.Struct({
  /** The field (`instances[0].timeouts.connect`), variable (`PORT`) or flag (`--port`); empty where it is the whole file. */
  path: Schema.String,
  message: Schema.String,
  /** Line of the config file, from 1. */
  line: Schema.optional(Schema.Int)
})

/** One thing that is wrong. */
export type Problem = typeof ProblemFields.Type

/**
 * The configuration cannot be used. Holds every problem that was found, not only the first. Neither a path nor a message
 * holds the value of a key.
 */
export class ConfigError extends Schema.TaggedError<ConfigError>()("ConfigError", {
  /** The config file as the operator named it; `undefined` where there is none. */
  source: Schema.UndefinedOr(Schema.String),
  problems: Schema.Array(ProblemFields),
  /** What cannot be used, where it is not the configuration. */
  subject: Schema.optional(Schema.String)
}) {
  override get message(): string {
    const count = this.problems.length === 1 ? "1 problem" : `${this.problems.length} problems`
    const { source, subject = "configuration" } = this
    const head = source === undefined ? `The ${subject}` : `${source}: the ${subject}`
    return [`${head} has ${count}`, ...this.problems.map(show)].join("\n")
  }
}

/**
 * Problems in the order of the file, then those outside of it. A key that found its way into a path or message, say one
 * that was pasted as an instance's id, is blotted out.
 */
export const make = (
  source: string | undefined,
  problems: ReadonlyArray<Problem>,
  secrets: ReadonlyArray<string>,
  subject?: string
): ConfigError => {
  // Short strings are no keys that anybody issues, and blotting them out would make sentences unreadable.
  const hidden = secrets.filter((secret) => secret.length >= 8).toSorted((a, b) => b.length - a.length)
  const blot = (text: string): string => hidden.reduce((shown, secret) => shown.replaceAll(secret, "***"), text)
  return new ConfigError({
    source,
    ...(subject === undefined ? {} : { subject }),
    problems: problems
      .toSorted((a, b) => (a.line ?? Number.MAX_SAFE_INTEGER) - (b.line ?? Number.MAX_SAFE_INTEGER))
      .map((problem) => ({ ...problem, path: blot(problem.path), message: blot(problem.message) }))
  })
}

const show = ({ line, message, path }: Problem): string =>
  `  ${line === undefined ? "" : `line ${line}: `}${path === "" ? "" : `${path}: `}${message}`
