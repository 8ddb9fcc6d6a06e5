import type { Case } from "./cases.js"

/** Answers that some clients do not read as expected, and why that is right. */
export interface Exception {
  readonly of: (recorded: Case) => boolean
  /** The names of the table's columns. */
  readonly columns: RegExp
  readonly reason: string
}

/** Every exception of the acceptance table. One that is needed no more fails the table. */
export const exceptions: ReadonlyArray<Exception> = [
  {
    of: ({ body, dialect }) =>
      dialect === "openai-chat" && /"function_call": ?\{\s*"name": ?"[^"]/.test(body.toString()),
    columns: /openai|openrouter/,
    reason:
      "`function_call` is OpenAI's form of a call before tools. It is passed on as it is, and its clients hand it out in a " +
      "member of its own; in another dialect it is a call like any other."
  }
]

export const exceptionOf = (recorded: Case, column: string): Exception | undefined =>
  exceptions.find((exception) => exception.of(recorded) && exception.columns.test(column))
