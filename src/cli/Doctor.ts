import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Doctor from "../gateway/Doctor.js"
import * as DoctorBody from "../http/DoctorBody.js"
import * as Direct from "./Direct.js"
import { Failed } from "./Failed.js"
import * as Options from "./Options.js"
import * as Remote from "./Remote.js"

/** `orelse doctor`: is the database ready for a failover? */
export const doctor = Command.make(
  "doctor",
  { config: Options.config, url: Options.url, json: Options.json },
  (options) =>
    Effect.gen(function* () {
      const gateway = yield* Remote.running(options.url)
      const found = yield* Option.isSome(gateway)
        ? gateway.value.post("/admin/doctor", {}, DoctorBody.DoctorBody)
        : Effect.flatMap(Options.settings(options), (settings) =>
            Effect.provide(Effect.map(Doctor.run, DoctorBody.make), Direct.layerAsItIs(settings))
          )
      yield* Console.log(options.json ? JSON.stringify(found) : lines(found).join("\n"))
      if (found.failed > 0) return yield* new Failed({ message: "" })
    })
).pipe(Command.withDescription("check the database, and rehearse a failover on what it knows"))

/** A line a test, its remedy below one that failed, and their number in the end. */
export const lines = ({ failed, passed, tests, total }: DoctorBody.DoctorBody): ReadonlyArray<string> => [
  ...tests.flatMap((test) => [
    `[${test.passed ? "PASS" : "FAIL"}] ${test.name}: ${test.finding}`,
    ...(test.remedy === null ? [] : [`       ${test.remedy}`])
  ]),
  `Total: ${total} tests, ${passed} passed, ${failed} failed`
]
