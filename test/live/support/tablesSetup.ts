/**
 * For the live suite: a Postgres of its own at `TEST_DATABASE_URL`, where that is unset and the machine has one installed. The
 * tests of the tables then run on it; otherwise they run on the embedded one, as in `npm test`.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Postgres from "./postgres.js"

export default async (): Promise<(() => Promise<void>) | undefined> => {
  if (process.env["TEST_DATABASE_URL"]) return undefined
  if (!Postgres.hasPostgres) {
    process.stderr.write(
      "no Postgres is installed: the tests of the tables run on the embedded one (apt-get install postgresql)\n"
    )
    return undefined
  }
  const scope = await Effect.runPromise(Scope.make())
  // Nothing in it is to outlive a machine.
  const { url } = await Effect.runPromise(Scope.extend(Postgres.make(["-c", "fsync=off"]), scope))
  process.env["TEST_DATABASE_URL"] = url
  return () => Effect.runPromise(Scope.close(scope, Exit.void))
}
