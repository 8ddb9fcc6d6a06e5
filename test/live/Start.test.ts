import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { existsSync, readFileSync } from "node:fs"
import { createServer } from "node:net"
import { eventually, hasCurl, isAlive, launchProgram, root, run, shell } from "./support/command.js"
import { chat, freePort, get, isReady, serve } from "./support/gateway.js"

const resident = (pid: number): number => {
  const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
  return Number(kib) / 1024
}

describe("orelse start", () => {
  it.live("takes requests within 1.5 s", () =>
    Effect.gen(function* () {
      const times: Array<number> = []
      // The best of several, since this machine may have other things to do.
      while (times.length < 10 && !times.some((ms) => ms < 1500)) {
        times.push(yield* Effect.scoped(Effect.map(serve(), ({ readyAfter }) => Math.round(readyAfter))))
      }
      yield* Console.log(`ready after ${times.join(", ")} ms`)
      assert.isBelow(Math.min(...times), 1500)
    })
  )

  it.live.skipIf(!existsSync("/proc/self/status"))("holds less than 180 MB when idle", () =>
    Effect.gen(function* () {
      const idle = Effect.gen(function* () {
        const { pid, says } = yield* serve()
        yield* says(/simulated-backup: available/)
        return resident(pid)
      })
      const sizes = yield* Effect.replicateEffect(Effect.scoped(idle), 3)
      yield* Console.log(`holds ${sizes.map(Math.round).join(", ")} MiB`)
      assert.isBelow(Math.min(...sizes), 180)
    })
  )

  it.scopedLive("stands in with two simulated providers where there is no key, and says so", () =>
    Effect.gen(function* () {
      const { says, url } = yield* serve()
      yield* says(/NO PROVIDER IS CONFIGURED/)
      const { headers, status } = yield* chat(url)
      assert.deepStrictEqual([status, headers.get("x-orelse-provider")], [200, "simulated"])
      const { instances } = JSON.parse((yield* get(`${url}/health`)).text)
      assert.deepStrictEqual(instances, { healthy: 2, recovering: 0, down: 0 })
    })
  )

  it.scopedLive.skipIf(!hasCurl)("prints a curl that works as it stands, also when the first provider fails", () =>
    Effect.gen(function* () {
      const { says } = yield* serve()
      const line = (yield* says(/try: curl .*/)).replace("try: ", "")
      const answers = yield* Effect.replicateEffect(shell(line), 4)
      for (const answer of answers) assert.include(answer, "This is a simulated answer from simulated-")
      assert.include(answers[3], "from simulated-backup")
    })
  )

  it.live("refuses to invent answers in production", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* run(["start"], { env: { NODE_ENV: "production" } })
      assert.deepStrictEqual([code, stdout], [1, ""])
      assert.match(stderr, /no provider is configured.*set OPENAI_API_KEY/)
    })
  )

  it.scopedLive("says that its port is taken", () =>
    Effect.gen(function* () {
      const { url } = yield* serve()
      const { port } = new URL(url)
      const { code, stderr } = yield* run(["start"], { env: { PORT: port } })
      assert.strictEqual(code, 1)
      assert.include(stderr, `port ${port} on 127.0.0.1 is in use; choose another with --port or PORT`)
    })
  )

  it.scopedLive("reads .env in the folder that it is started in", () =>
    Effect.gen(function* () {
      const files = { ".env": "ORELSE_ADMIN_KEY=a-key-from-the-file-0123\nLOG_FORMAT=json\n" }
      const { says, url } = yield* serve({ files })
      yield* says(/"msg":"listening on/)
      assert.strictEqual((yield* get(`${url}/admin/none`)).status, 401)
    })
  )
})

describe("npm start", () => {
  it.scopedLive("takes arguments, and leaves nothing behind after ctrl-C", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const setting = { directory: root, env: { LOG_FORMAT: "pretty" } }
      const launched = yield* launchProgram("npm", ["start", "--", "--port", String(port)], setting)
      yield* isReady(`http://127.0.0.1:${port}`, launched)
      yield* launched.signal("SIGINT")
      const { code, ms } = yield* launched.ended
      assert.strictEqual(code, 0)
      assert.isBelow(ms, 5000)
      yield* eventually(
        () => "the process group to be empty",
        Effect.filterOrFail(
          Effect.sync(() => isAlive(launched.pid)),
          (alive) => !alive
        )
      )
      yield* canListen(port)
    })
  )
})

/** Nobody else listens on the port. */
const canListen = (port: number): Effect.Effect<void> =>
  Effect.async((resume) => {
    const server = createServer()
    server.once("error", (error) => resume(Effect.die(error)))
    server.listen(port, "127.0.0.1", () => server.close(() => resume(Effect.void)))
  })
