import * as Schema from "effect/Schema"
import type { Finding } from "../gateway/Doctor.js"

/** What `POST /admin/doctor` answers, and `orelse doctor --json` prints. */
export const DoctorBody = Schema.Struct({
  tests: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      passed: Schema.Boolean,
      finding: Schema.String,
      /** What to do about it; null where it passed. */
      remedy: Schema.NullOr(Schema.String)
    })
  ),
  total: Schema.Int,
  passed: Schema.Int,
  failed: Schema.Int
}).annotations({ identifier: "Doctor" })
export type DoctorBody = typeof DoctorBody.Type

export const make = (tests: ReadonlyArray<Finding>): DoctorBody => {
  const passed = tests.filter((test) => test.passed).length
  return { tests, total: tests.length, passed, failed: tests.length - passed }
}
