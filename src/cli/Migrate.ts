import * as Command from "@effect/cli/Command"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { describe } from "../store/DatabaseError.js"
import * as Migrations from "../store/Migrations.js"
import * as Source from "../store/Source.js"
import { Failed } from "./Failed.js"
import * as Options from "./Options.js"

/** `orelse migrate`: brings the schema of the database up to date, which `start` does too. */
export const migrate = Command.make("migrate", { config: Options.config }, (options) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { store } = yield* Options.settings(options)
      const source = yield* Source.of(store)
      if (source === undefined) return yield* new Failed({ message: "there is no database: DATABASE_URL is none" })
      const sql = yield* source.open
      const applied = yield* Effect.provideService(Migrations.run(Migrations.bundled()), SqlClient.SqlClient, sql).pipe(
        Effect.catchTag("SqlError", (error) =>
          Effect.fail(
            new Failed({
              message: `the database does not answer, or refuses (${describe(error)}); nothing was changed`
            })
          )
        )
      )
      for (const { id, name } of applied) yield* Console.log(`applied ${id} ${name}`)
      yield* Console.log(`The schema is up to date${applied.length === 0 ? "; nothing was to be done" : ""}.`)
    })
  )
).pipe(Command.withDescription("bring the schema of the database up to date"))
