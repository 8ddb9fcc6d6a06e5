import { SqlError } from "@effect/sql/SqlError"
import * as Schema from "effect/Schema"
import * as ErrorCode from "../domain/ErrorCode.js"

/** There is no database to ask at this moment. `message` is a safe sentence. */
export class DatabaseUnavailable extends Schema.TaggedError<DatabaseUnavailable>()("DatabaseUnavailable", {
  message: Schema.String
}) {}

/** The database that was configured is not to be had, and will not be by waiting: a reason not to start. */
export class Refused extends Schema.TaggedError<Refused>()("DatabaseRefused", { message: Schema.String }) {}

/** The database did not open this time. */
export class OpenFailed extends Schema.TaggedError<OpenFailed>()("DatabaseOpenFailed", { message: Schema.String }) {}

/** The schema in the database is not one that this version can work with. */
export class SchemaRefused extends Schema.TaggedError<SchemaRefused>()("DatabaseSchemaRefused", {
  message: Schema.String
}) {}

/** Five characters that say what Postgres did not like, or Node's name of what is wrong with the connection. */
const codeOf = (error: unknown): string | undefined => ErrorCode.of(error instanceof SqlError ? error.cause : error)

/** Was it the connection, or a server that goes or comes, and not what it was asked? */
export const isConnection = (error: unknown): boolean => {
  if (!(error instanceof SqlError)) return false
  const code = codeOf(error)
  // pg's own errors about a connection have no code; those of Postgres have one of five characters.
  return code === undefined || !/^[0-9A-Z]{5}$/.test(code) || /^(?:08|57P0|53300)/.test(code)
}

/** A safe word about an error of the database: never its text, which may hold values. */
export const describe = (error: unknown): string => {
  const code = codeOf(error)
  if (code !== undefined) return code
  const cause = error instanceof SqlError ? error.cause : error
  return cause instanceof Error && /^(?:Connection|timeout|Client)/i.test(cause.message)
    ? cause.message
    : "no reason given"
}
