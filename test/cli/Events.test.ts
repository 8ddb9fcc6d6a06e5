import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { lines } from "../../src/cli/Events.js"
import { ask, at, chat } from "../http/asking.js"
import * as Replies from "../support/replies.js"
import { chain } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { run } from "./running.js"

const row = {
  id: 1,
  timestamp: "2026-01-31T12:00:00.000Z",
  provider: "openai",
  instance: "primary",
  event_type: "circuit_open",
  scope: "instance",
  model: null,
  consecutive_failures: 3,
  next_retry_secs: 60,
  to_instance: null,
  request_id: null,
  reason: null
}

const failover = {
  ...row,
  id: 2,
  timestamp: "2026-01-31T12:00:01.000Z",
  event_type: "failover",
  model: "gpt-4o",
  consecutive_failures: 0,
  next_retry_secs: null,
  to_instance: "backup",
  request_id: "r-1",
  reason: "timeout"
}

describe("the table of events", () => {
  it("has a line an event, the latest last", () => {
    assert.deepStrictEqual(lines({ events: [failover, row] }), [
      "time                      event         instance  model   what",
      "2026-01-31T12:00:00.000Z  circuit_open  primary   -       3 failures in a row, retry in 60 s",
      "2026-01-31T12:00:01.000Z  failover      primary   gpt-4o  to backup, timeout, request r-1"
    ])
  })

  it("says that there are none", () => {
    assert.deepStrictEqual(lines({ events: [] }), ["nothing has happened"])
  })
})

describe("orelse events", () => {
  it.scopedLive("shows those of the gateway at --url that are asked for", () =>
    Effect.gen(function* () {
      const second = yield* Upstream.make(Replies.answer("of the second"))
      const gateway = yield* chain("standalone", [Upstream.refusing, second])
      for (const _ of [1, 2, 3]) yield* chat(gateway)
      const events = (...args: ReadonlyArray<string>) => run("events", "--url", gateway.url, ...args)
      const all = yield* events()
      assert.match(all.printed, /failover +first +m +to second, network/)
      assert.match(all.printed, /circuit_open +first +- +3 failures in a row, retry in \d+ s/)
      assert.strictEqual((yield* events("--type", "failover", "-n", "2")).printed.split("\n").length, 3)
      assert.strictEqual((yield* events("--instance", "second")).printed, "nothing has happened")
      const answered = yield* ask(gateway, "/admin/events?limit=1")
      assert.deepStrictEqual(JSON.parse((yield* events("--json", "--limit", "1")).printed), at(answered))
      const refused = yield* events("--limit", "0")
      assert.isTrue(Exit.isFailure(refused.exit))
      assert.isTrue(Exit.isFailure((yield* events("--prune", "soon")).exit))
      const nothing = yield* ask(gateway, "/admin/events?older_than=30d", { method: "DELETE" })
      assert.deepStrictEqual([nothing.status, at(nothing, "error", "code")], [503, "store_unavailable"])
      const wrong = yield* ask(gateway, "/admin/events?older_than=30", { method: "DELETE" })
      assert.deepStrictEqual([wrong.status, at(wrong, "error", "param")], [400, "older_than"])
    })
  )
})
