import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { create, Engine } from "../../src/store/Engine.js"

/** A cluster that was just created. */
const cluster: Effect.Effect<string, never, Scope.Scope> = Effect.gen(function* () {
  const parent = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "orelse-engine-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const directory = join(parent, "db")
  yield* Effect.promise(() => create(directory))
  return directory
})

const patience = 30_000

describe("the embedded engine", () => {
  it.scopedLive("that is stopped while it still opens does not wait for that, and opens the next time", () =>
    Effect.gen(function* () {
      const directory = yield* cluster
      const slow = new Engine(directory)
      const opening = slow.worker().then(
        () => "open",
        (error: unknown) => (error instanceof Error ? error.message : "unknown reason")
      )
      yield* Effect.promise(() => slow.stop(0))
      assert.strictEqual(yield* Effect.promise(() => opening), "its thread ended")
      const next = new Engine(directory)
      yield* Effect.promise(() => next.worker())
      yield* Effect.promise(() => next.stop(patience))
    })
  )

  it.scopedLive("whose thread is gone is stopped at once", () =>
    Effect.gen(function* () {
      const engine = new Engine(yield* cluster)
      const worker = yield* Effect.promise(() => engine.worker())
      yield* Effect.promise(() => worker.terminate())
      yield* Effect.promise(() => engine.stop(patience))
    })
  )
})
