import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { lines, testLines } from "../../src/cli/Alerts.js"
import { webhook } from "../alerts/running.js"
import { chat } from "../http/asking.js"
import { chain } from "../support/server.js"
import { settings } from "../support/settings.js"
import * as Upstream from "../support/upstream.js"
import { run } from "./running.js"

const alert = {
  id: "1",
  kind: "key_out",
  at: "2026-01-31T12:00:00.000Z",
  text: "the key of `a` is refused, or its quota is spent",
  details: { instance: "a" },
  deliveries: []
}

const delivery = {
  webhook: "hooks.slack.com#1a",
  state: "delivered" as const,
  attempts: 1,
  at: alert.at,
  problem: null
}

describe("the table of alerts", () => {
  it("has a line an alert, the latest last, and says what became of each", () => {
    const waiting = { ...delivery, state: "waiting" as const, attempts: 2, problem: "it answers with status 500" }
    assert.deepStrictEqual(
      lines({
        alerts: [{ ...alert, deliveries: [delivery, waiting] }, alert],
        undelivered: 1
      }),
      [
        "time                      event    what                                              delivered",
        "2026-01-31T12:00:00.000Z  key_out  the key of `a` is refused, or its quota is spent  to nobody",
        "2026-01-31T12:00:00.000Z  key_out  the key of `a` is refused, or its quota is spent  to hooks.slack.com#1a, not yet to hooks.slack.com#1a (2 tries: it answers with status 500)",
        "still to be delivered: 1"
      ]
    )
  })

  it("says that there is nothing, and nobody to tell", () => {
    assert.deepStrictEqual(lines({ alerts: [], undelivered: 0 }), ["nothing was told"])
    assert.match(testLines({ webhooks: [] })[0] ?? "", /set alerts\.webhooks/)
  })
})

describe("orelse alerts", () => {
  it.scopedLive("shows those of the gateway at --url, and tests its webhooks", () =>
    Effect.gen(function* () {
      const hook = yield* Upstream.listen((_, response) => response.end("ok"))
      const alerts = { ...settings().alerts, webhooks: [webhook(`${hook}/x`)] }
      const gateway = yield* chain("standalone", [Upstream.refusing], { settings: { alerts } })
      const command = (...args: ReadonlyArray<string>) => run("alerts", "--url", gateway.url, ...args)
      const tested = yield* command("--test")
      assert.match(tested.printed, /^127\.0\.0\.1:\d+#\w+: it took the test, \d+ ms$/)
      assert.isTrue(Exit.isSuccess(tested.exit))
      yield* chat(gateway)
      assert.match((yield* command()).printed, /fallback_exhausted .*nobody answered a request for `m` \(network\)/)
      const broken = yield* chain("standalone", [Upstream.refusing], {
        settings: { alerts: { ...alerts, webhooks: [webhook("http://127.0.0.1:1/x")] } }
      })
      const failed = yield* run("alerts", "--url", broken.url, "--test")
      assert.match(failed.printed, /the connection was refused/)
      assert.isTrue(Exit.isFailure(failed.exit))
    })
  )
})
