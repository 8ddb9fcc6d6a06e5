import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { spawnSync } from "node:child_process"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { atLast, launch } from "./support/command.js"
import { chat, serve, type Serving } from "./support/gateway.js"
import { embedded } from "./support/kills.js"
import * as Priced from "./support/priced.js"
import * as Provider from "./support/provider.js"

/** A disk of its own that is soon full. */
const mount = (path: string): boolean =>
  spawnSync("mount", ["-t", "tmpfs", "-o", "size=512k", "tmpfs", path]).status === 0

const unmount = (path: string): void => void spawnSync("umount", ["-l", path])

/** A gateway whose data directory is made before it starts: one of its accounts has a budget, the other has none. */
const on = (
  prepare: (journal: string) => Effect.Effect<void, never, Scope.Scope>
): Effect.Effect<
  { readonly gateway: Serving; readonly provider: Provider.Provider; readonly dataDir: string },
  never,
  Scope.Scope
> =>
  Effect.gen(function* () {
    const provider = yield* Provider.make(Provider.billsAfter(0, Priced.tokens))
    const config = Priced.config(
      ["paid", "free"].map((id) => Priced.instance(id, provider)),
      [{ scope: "instance:paid", monthly: 100 }]
    )
    const { directory } = yield* launch(["--version"], { files: { "orelse.yaml": config } })
    const dataDir = join(directory, "data")
    mkdirSync(dataDir)
    yield* prepare(join(dataDir, "journal"))
    const env = { DATABASE_URL: "", ORELSE_DATA_DIR: dataDir }
    const gateway = yield* serve({ directory, env }, ["--config", join(directory, "orelse.yaml")])
    return { gateway, provider, dataDir }
  })

const ask = (gateway: Serving, model: string) => chat(gateway.url, { model, max_tokens: Priced.tokens })

/** Until a request under the budget is answered so. */
const until = (gateway: Serving, status: number): Effect.Effect<unknown> =>
  atLast(
    () => `${status}: ${gateway.stdout()}`,
    Effect.filterOrFail(ask(gateway, "paid"), (answer) => answer.status === status)
  )

/** What must not be forgotten is not asked for; everything else is. */
const isRefused = ({ gateway, provider }: { readonly gateway: Serving; readonly provider: Provider.Provider }) =>
  Effect.gen(function* () {
    const before = provider.byKey.get("sk-paid")
    for (let time = 0; time < 5; time++) {
      const { status, text } = yield* ask(gateway, "paid")
      assert.strictEqual(status, 503)
      assert.strictEqual(JSON.parse(text).error.code, "budget_unavailable")
      assert.strictEqual((yield* ask(gateway, "free")).status, 200)
    }
    assert.strictEqual(provider.byKey.get("sk-paid"), before)
  })

/** Each call under the budget has its row. */
const isKept = ({
  dataDir,
  gateway,
  provider
}: {
  readonly gateway: Serving
  readonly provider: Provider.Provider
  readonly dataDir: string
}) =>
  Effect.gen(function* () {
    yield* gateway.signal("SIGTERM")
    assert.strictEqual((yield* gateway.ended).code, 0)
    const rows = yield* embedded(dataDir)(
      "SELECT count(*)::int AS n FROM ledger_entries WHERE instance = 'paid' AND cost_usd = 0.1"
    )
    assert.deepStrictEqual(rows, [{ n: provider.byKey.get("sk-paid") }])
  })

describe("a gateway whose journal cannot be written", () => {
  it.scopedLive(
    "answers 503 where a hard budget pays, and everybody else as ever, until it can",
    () =>
      Effect.gen(function* () {
        const all = yield* on((journal) => Effect.sync(() => writeFileSync(journal, "in the way")))
        yield* until(all.gateway, 503)
        yield* isRefused(all)
        rmSync(join(all.dataDir, "journal"))
        yield* until(all.gateway, 200)
        yield* isKept(all)
      }),
    { timeout: 240_000 }
  )

  it.scopedLive(
    "does so while its disk is full, too",
    (context) =>
      Effect.gen(function* () {
        let isMounted = false
        const all = yield* on((journal) =>
          Effect.acquireRelease(
            Effect.sync(() => {
              mkdirSync(journal)
              isMounted = mount(journal)
            }),
            () => Effect.sync(() => unmount(journal))
          )
        )
        if (!isMounted) return context.skip()
        yield* until(all.gateway, 200)
        const filler = join(all.dataDir, "journal", "filler")
        assert.throws(() => writeFileSync(filler, Buffer.alloc(1024 * 1024)), /ENOSPC/)
        // What is left of the last page takes a few more.
        yield* until(all.gateway, 503)
        yield* isRefused(all)
        rmSync(filler)
        yield* until(all.gateway, 200)
        yield* isKept(all)
      }),
    { timeout: 240_000 }
  )
})
