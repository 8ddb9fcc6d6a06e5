import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { lines } from "../../src/cli/Doctor.js"
import { chain } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { run } from "./running.js"

describe("what the doctor says", () => {
  it("is a line a test, a remedy below what failed, and their number", () => {
    const tests = [
      { name: "Schema Tables", passed: true, finding: "all 12 tables are there", remedy: null },
      { name: "Models Data", passed: false, finding: "none are known", remedy: "orelse models sync" }
    ]
    assert.deepStrictEqual(lines({ tests, total: 2, passed: 1, failed: 1 }), [
      "[PASS] Schema Tables: all 12 tables are there",
      "[FAIL] Models Data: none are known",
      "       orelse models sync",
      "Total: 2 tests, 1 passed, 1 failed"
    ])
  })
})

describe("orelse doctor", () => {
  it.scopedLive("asks the gateway at --url; what fails is exit code 1", () =>
    Effect.gen(function* () {
      const gateway = yield* chain("standalone", [yield* Upstream.make()])
      const ran = yield* run("doctor", "--url", gateway.url)
      assert.isTrue(Exit.isFailure(ran.exit))
      assert.match(ran.printed, /^\[FAIL\] Database Connection: there is no database: DATABASE_URL is none\n/)
      assert.match(ran.printed, /\nTotal: 10 tests, 0 passed, 10 failed$/)
      const { printed } = yield* run("doctor", "--url", gateway.url, "--json")
      assert.deepInclude(JSON.parse(printed), { total: 10, passed: 0, failed: 10 })
    })
  )
})
