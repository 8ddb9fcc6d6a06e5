import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { IncomingHttpHeaders } from "node:http"
import { text } from "node:stream/consumers"
import { webhook } from "../alerts/running.js"
import * as Replies from "../support/replies.js"
import { chain, doors, keyOf } from "../support/server.js"
import { settings } from "../support/settings.js"
import * as Upstream from "../support/upstream.js"
import { ask, at, chat } from "./asking.js"

const secret = "aVeryLongAndVerySecretToken"

interface Hooked {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Somebody like Slack, on a real socket. */
const slack = Effect.gen(function* () {
  const inbox = yield* Queue.unbounded<Hooked>()
  const origin = yield* Upstream.listen((request, response) => {
    const take = async (): Promise<void> => {
      const body = await text(request)
      inbox.unsafeOffer({ method: request.method, path: request.url, headers: request.headers, body })
      response.writeHead(200, { "content-type": "text/html" }).end("ok")
    }
    void take()
  })
  const alerts = { ...settings().alerts, webhooks: [webhook(`${origin}/services/${secret}`)] }
  return { next: Queue.take(inbox), left: Queue.size(inbox), alerts }
})

describe.each(doors)("alerts of a gateway (%s)", (door) => {
  it.scopedLive("reach a webhook as Slack's JSON, once, and are listed with how it went", () =>
    Effect.gen(function* () {
      const { alerts, left, next } = yield* slack
      const second = yield* Upstream.make(Replies.answer("of the second"))
      const leaking = yield* Upstream.make(Replies.failure(500, { message: `no database for ${keyOf(0)}` }))
      const gateway = yield* chain(door, [leaking, second], { settings: { alerts } })
      for (let time = 0; time < 5; time++)
        yield* chat(gateway, { messages: [{ role: "user", content: "launch code 42" }] })
      const { body, headers, method, path } = yield* next
      assert.deepStrictEqual(
        [method, path, headers["content-type"]],
        ["POST", `/services/${secret}`, "application/json"]
      )
      const message = JSON.parse(body) as { readonly text: string; readonly attachments: ReadonlyArray<object> }
      assert.match(message.text, /^\*orelse\* `first` is not asked any more after 3 failures in a row/)
      assert.strictEqual(message.attachments.length, 1)

      const listed = yield* ask(gateway, "/admin/alerts?limit=1")
      assert.deepInclude(at(listed, "alerts", 0), {
        kind: "circuit_open",
        id: headers["idempotency-key"],
        details: { instance: "first", consecutive_failures: 3, retry_in_s: 60 }
      })
      assert.deepInclude(at(listed, "alerts", 0, "deliveries", 0), { attempts: 1, problem: null })
      for (const shown of [body, listed.body.toString("utf8"), gateway.log.join("\n")]) {
        assert.notInclude(shown, keyOf(0))
        assert.notInclude(shown, secret)
        assert.notInclude(shown, "launch code")
      }
      assert.strictEqual(yield* left, 0)
    })
  )

  it.scopedLive("can be tested, and say what is wrong with a webhook", () =>
    Effect.gen(function* () {
      const { alerts, next } = yield* slack
      const all = { ...alerts, webhooks: [...alerts.webhooks, webhook(`http://127.0.0.1:1/${secret}`)] }
      const gateway = yield* chain(door, [Upstream.refusing], { settings: { alerts: all } })
      const tested = yield* ask(gateway, "/admin/alerts/test", { method: "POST" })
      assert.strictEqual(tested.status, 200)
      assert.deepInclude(at(tested, "webhooks", 0), { ok: true, status: 200, message: null })
      assert.deepInclude(at(tested, "webhooks", 1), { ok: false, status: null, message: "the connection was refused" })
      assert.include((yield* next).body, "this is a test")
      assert.notInclude(tested.body.toString("utf8"), secret)
      const wrong = yield* ask(gateway, "/admin/alerts?limit=0")
      assert.deepStrictEqual([wrong.status, at(wrong, "error", "param")], [400, "limit"])
    })
  )
})
