import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { stripVTControlCharacters } from "node:util"
import { afterEach, vi } from "vitest"
import * as Paint from "../../src/cli/Paint.js"
import { lines } from "../../src/cli/Stats.js"
import { ask, at, chat } from "../http/asking.js"
import * as Replies from "../support/replies.js"
import { chain } from "../support/server.js"
import { settings } from "../support/settings.js"
import * as Upstream from "../support/upstream.js"
import { run, running, type Ran } from "./running.js"

afterEach(() => vi.unstubAllEnvs())

/** Three times the first one has refused, so that its circuit is open. */
const gateway = (key?: string) =>
  Effect.gen(function* () {
    const second = yield* Upstream.make(Replies.answer("of the second"))
    const server = { ...settings().server, adminKey: key === undefined ? undefined : Redacted.make(key) }
    const made = yield* chain("standalone", [Upstream.refusing, second], { settings: { server } })
    for (const _ of [1, 2, 3]) yield* chat(made)
    return made
  })

const complaint = ({ exit }: Ran): string => {
  const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : assert.fail("it did not fail")
  return error instanceof Error ? error.message : assert.fail("it failed with something else than an error")
}

const found = {
  instances: [
    {
      instance: "a-long-name",
      provider: "openai",
      status: "unhealthy",
      circuit: "open",
      consecutive_failures: 3,
      retry_in_s: 58,
      error_rate: 0.125,
      latency_ms: { p50: 120.4, p95: 300, p99: 1000.6 }
    },
    {
      instance: "b",
      provider: "ollama",
      status: "healthy",
      circuit: "closed",
      consecutive_failures: 0,
      retry_in_s: null,
      error_rate: null,
      latency_ms: { p50: null, p95: null, p99: null }
    }
  ],
  overall: { healthy: 1, recovering: 0, down: 1, total: 2 },
  disabled: ["c"],
  unfit: [{ instance: "c", reason: "apiKey was sealed with another ORELSE_ADMIN_KEY" }]
} as const

describe("the table of stats", () => {
  it("has a line an instance and one for all of them", () => {
    assert.deepStrictEqual(lines(found, Paint.plain), [
      "instance     provider  status     circuit  failures  retry in  error rate  p50     p95     p99",
      "a-long-name  openai    Unhealthy  open     3         58 s      12.5 %      120 ms  300 ms  1001 ms",
      "b            ollama    Healthy    closed   0         -         -           -       -       -",
      "out of service: c",
      "c: apiKey was sealed with another ORELSE_ADMIN_KEY",
      "overall: 1 healthy, 0 recovering, 1 down, of 2"
    ])
  })

  it("is the same in colour, to the eye", () => {
    const coloured = lines(found, Paint.coloured)
    assert.include(coloured[1], "\u001b[31mUnhealthy\u001b[39m")
    assert.include(coloured[2], "\u001b[32mHealthy")
    assert.deepStrictEqual(coloured.map(stripVTControlCharacters), lines(found, Paint.plain))
  })
})

describe("orelse stats", () => {
  it.scopedLive("shows the instances of the gateway at --url", () =>
    Effect.gen(function* () {
      const { url } = yield* gateway()
      const { exit, printed } = yield* run("stats", "--url", `${url}/`)
      assert.isTrue(Exit.isSuccess(exit))
      assert.match(printed, /^first +openai-compatible +Unhealthy +open +3 +\d+ s +100 % /m)
      assert.match(printed, /^second +openai-compatible +Healthy +closed +0 +- +0 % +\d+ ms /m)
      assert.match(printed, /^overall: 1 healthy, 0 recovering, 1 down, of 2$/m)
    })
  )

  it.scopedLive("prints with --json what GET /admin/providers answers, of the gateway at PORT", () =>
    Effect.gen(function* () {
      const made = yield* gateway()
      // A circuit that an operator opened counts no seconds down.
      yield* ask(made, "/admin/providers/first/circuit", { method: "PUT", body: '{"state":"open"}' })
      vi.stubEnv("PORT", String(made.port))
      const { printed } = yield* run("stats", "--json")
      assert.deepStrictEqual(JSON.parse(printed), at(yield* ask(made, "/admin/providers")))
    })
  )

  it.scopedLive("shows ORELSE_ADMIN_KEY to the gateway, and says when it is missing or wrong", () =>
    Effect.gen(function* () {
      const { url } = yield* gateway("admin-2c7f4e9a")
      const asked = Effect.map(run("stats", "--url", url), complaint)
      vi.stubEnv("ORELSE_ADMIN_KEY", "")
      assert.strictEqual(yield* asked, `the gateway at ${url} asks for its admin key: set ORELSE_ADMIN_KEY`)
      vi.stubEnv("ORELSE_ADMIN_KEY", "admin-00000000")
      assert.strictEqual(yield* asked, `the gateway at ${url} has another admin key than ORELSE_ADMIN_KEY says`)
      vi.stubEnv("ORELSE_ADMIN_KEY", "admin-2c7f4e9a")
      assert.isTrue(Exit.isSuccess((yield* run("stats", "--url", url)).exit))
    })
  )

  it.scopedLive("says that no gateway answers, or that something else does", () =>
    Effect.gen(function* () {
      const nowhere = new URL(Upstream.refusing.url).origin
      const none = yield* run("stats", "--url", nowhere)
      assert.strictEqual(complaint(none), `no gateway answers at ${nowhere}: is it running there? (--url)`)
      const other = yield* Upstream.make(Replies.answer("not a gateway"))
      const { origin } = new URL(other.url)
      const stranger = yield* run("stats", "--url", origin)
      assert.include(complaint(stranger), origin)
      assert.strictEqual(stranger.printed, "")
      for (const url of ["nonsense", "ftp://127.0.0.1", "http://user:secret@127.0.0.1:1"]) {
        assert.match(complaint(yield* run("stats", "--url", url)), /is not the address of a gateway/)
      }
    })
  )

  it.scoped("asks every two seconds with --watch, until it is stopped", () =>
    Effect.gen(function* () {
      const second = yield* Upstream.make(Replies.answer("of the second"))
      const { url } = yield* chain("standalone", [Upstream.refusing, second])
      const said = yield* Queue.unbounded<string>()
      const watching = yield* Effect.fork(running(said, ["stats", "--watch", "--json", "--url", url]))
      const first = yield* Queue.take(said)
      yield* TestClock.adjust("1999 millis")
      assert.strictEqual(yield* Queue.size(said), 0)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Queue.take(said), first)
      yield* Fiber.interrupt(watching)
    })
  )
})
