import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { eventually } from "./support/command.js"
import { chat, get, serve, stream } from "./support/gateway.js"

const simulated = (id: string, more = "") => `  - { id: ${id}, provider: simulated${more} }\n`

const fileOf = (...instances: ReadonlyArray<string>): string => `instances:\n${instances.join("")}`

const started = (file = fileOf(simulated("a")), env: Readonly<Record<string, string>> = {}) =>
  serve({ files: { "orelse.yaml": file }, env: { LOG_FORMAT: "json", ...env } }, ["--config", "orelse.yaml"])

type Started = Effect.Effect.Success<ReturnType<typeof started>>

/** Writes a file beside and puts it in the place of the old one, as editors do. */
const replace = ({ directory }: Started, text: string, name = "orelse.yaml"): void => {
  writeFileSync(join(directory, `${name}.new`), text)
  renameSync(join(directory, `${name}.new`), join(directory, name))
}

const servedBy = (url: string) => Effect.map(chat(url), ({ headers }) => headers.get("x-orelse-instance"))

const until = (gateway: Started, instance: string) =>
  eventually(
    () => `${instance} to serve: ${gateway.stdout()}`,
    Effect.filterOrFail(servedBy(gateway.url), (served) => served === instance)
  )

describe("the config file", () => {
  it.scopedLive("is read again when another one takes its place; a stream under way goes on", () =>
    Effect.gen(function* () {
      const gateway = yield* started(fileOf(simulated("a", ", simulated: { tokenInterval: 60ms }")))
      const { whole } = yield* stream(gateway.url)
      replace(gateway, fileOf(simulated("b")))
      yield* until(gateway, "b")
      yield* gateway.says(/instances added: b; instances removed: a/)
      yield* gateway.says(/b: available/)
      assert.match(yield* whole, /data: \[DONE\]\n\n$/)
      assert.deepStrictEqual(JSON.parse((yield* get(`${gateway.url}/health`)).text).instances.healthy, 1)
    })
  )

  it.scopedLive("that is bad is not taken: every problem is logged with its line, and the last good one stays", () =>
    Effect.gen(function* () {
      const gateway = yield* started()
      replace(gateway, `${fileOf(simulated("b", ", weight: -1"))}routing:\n  strategy: fastest\n`)
      yield* gateway.says(/line 2: instances\[0\]\.weight: must be a number/)
      yield* gateway.says(/line 4: routing\.strategy: must be one of/)
      yield* gateway.says(/the last good one stays/)
      assert.strictEqual(yield* servedBy(gateway.url), "a")
      replace(gateway, fileOf(simulated("c")))
      yield* until(gateway, "c")
    })
  )

  it.scopedLive("is read again on SIGHUP, and what needs a restart is named", () =>
    Effect.gen(function* () {
      const gateway = yield* started()
      yield* gateway.says(/a: available/)
      yield* gateway.signal("SIGHUP")
      yield* gateway.says(/read again: nothing has changed/)
      replace(gateway, `${fileOf(simulated("a", ", weight: 3"))}log: { level: debug }\nserver: { drain: 1s }\n`)
      yield* gateway.signal("SIGHUP")
      yield* gateway.says(/instances changed: a \(weight\); changed in server: drain/)
      yield* gateway.says(/needs a restart: log\.level/)
      assert.strictEqual(yield* servedBy(gateway.url), "a")
    })
  )

  it.scopedLive("is found also behind a link that is moved, as Kubernetes does it", () =>
    Effect.gen(function* () {
      const gateway = yield* started()
      const versions = ["one", "two"].map((name) => {
        const path = join(gateway.directory, name)
        mkdirSync(path)
        writeFileSync(join(path, "orelse.yaml"), fileOf(simulated(name)))
        return name
      })
      const link = (target: string, name: string): void => {
        symlinkSync(target, join(gateway.directory, `${name}.new`))
        renameSync(join(gateway.directory, `${name}.new`), join(gateway.directory, name))
      }
      link("one", "..data")
      link("..data/orelse.yaml", "orelse.yaml")
      yield* until(gateway, "one")
      for (const version of versions.toReversed()) {
        link(version, "..data")
        yield* until(gateway, version)
      }
    })
  )

  it.scopedLive("is not the only one: .env is read again too, also where there was none", () =>
    Effect.gen(function* () {
      const gateway = yield* started("instances: [{ id: a, provider: simulated, priority: 9 }]")
      replace(gateway, "OSS_MODEL_ENABLED=true\nOSS_MODEL_ENDPOINT=http://127.0.0.1:9\n", ".env")
      yield* gateway.says(/instances added: ollama/)
      yield* gateway.says(/ollama: unavailable/)
      assert.strictEqual(yield* servedBy(gateway.url), "a")
    })
  )

  it.scopedLive(
    "is not the only one: a key that is named over the admin API may be in .env since then, and change there",
    () =>
      Effect.gen(function* () {
        const gateway = yield* started()
        const body = JSON.stringify({ id: "groq", provider: "groq", apiKey: "${GROQ_API_KEY}" })
        const add = Effect.promise(
          async () => (await fetch(`${gateway.url}/admin/providers`, { method: "POST", body })).status
        )
        assert.strictEqual(yield* add, 400)
        replace(gateway, "GROQ_API_KEY=gsk-of-the-file\n", ".env")
        yield* gateway.says(/read again: changed: variables of the environment/)
        assert.strictEqual(yield* add, 201)
      })
  )

  it.scopedLive("leaves on top what was changed over the admin API", () =>
    Effect.gen(function* () {
      const gateway = yield* started(fileOf(simulated("a"), simulated("b", ", priority: 2")))
      yield* Effect.promise(() =>
        fetch(`${gateway.url}/admin/providers/a`, { method: "PATCH", body: '{"enabled":false}' })
      )
      assert.strictEqual(yield* servedBy(gateway.url), "b")
      replace(gateway, fileOf(simulated("a", ", weight: 2"), simulated("c", ", priority: 2")))
      yield* until(gateway, "c")
      replace(gateway, fileOf(simulated("c")))
      yield* gateway.says(/does not fit any more: instances\.a\.provider: is required/)
    })
  )
})
