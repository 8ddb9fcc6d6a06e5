import { assert, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Journal } from "../../src/store/Journal.js"
import { directory, drain, filesOf, until } from "../support/journals.js"

const source = (path: string) => JSON.stringify(new URL(`../../src/store/${path}`, import.meta.url).href)

/** Appends numbers for ever, and writes each one that is kept to a file, after it is. */
const program = (path: string, run: number) => `
  import * as Effect from "effect/Effect"
  import * as Layer from "effect/Layer"
  import { openSync, writeSync } from "node:fs"
  import { Journal } from ${source("Journal.ts")}
  const kept = openSync(${JSON.stringify(keptIn(path, run))}, "a")
  const appending = Effect.flatMap(Journal, (journal) => Effect.promise(async () => {
    for (let number = 1; ; number++) {
      journal.append("soon", JSON.stringify([${run}, number]))
      if (journal.appendNow("now", JSON.stringify([${run}, number]))) writeSync(kept, number + "\\n")
      if (number % 10 === 0) await new Promise(setImmediate)
    }
  }))
  Effect.runFork(Effect.provide(appending, Journal.layer({ directory: ${JSON.stringify(path)}, segmentBytes: 20_000 })))
`

const keptIn = (path: string, run: number): string => join(path, `kept-${run}`)

/** Kills it by surprise when it has kept some; the last number that it said it kept. */
const runAndKill = (path: string, run: number, bytes: number) =>
  Effect.gen(function* () {
    const kept = keptIn(path, run)
    writeFileSync(kept, "")
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", program(path, run)], {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      stdio: ["ignore", "ignore", "inherit"]
    })
    const closed = once(child, "close")
    yield* until(() => statSync(kept).size > bytes)
    child.kill("SIGKILL")
    yield* Effect.promise(() => closed)
    // Of what it was killed in the middle of saying nothing is known.
    return readFileSync(kept, "utf8").split("\n").slice(0, -1).length
  })

it.scoped(
  "a process that is killed while it appends loses nothing that it said it kept, five times in a row",
  () =>
    Effect.gen(function* () {
      const path = yield* directory
      const acknowledged: Array<number> = []
      for (const run of [0, 1, 2, 3, 4]) {
        acknowledged.push(yield* runAndKill(path, run, 300 + 4001 * run))
      }
      const journal = Context.get(yield* Layer.build(Journal.layer({ directory: path })), Journal)
      const found = (yield* Effect.forEach(journal.backlogs(), drain)).flat()
      const kept = found.filter(({ kind }) => kind === "now").map(({ data }) => String(data))
      assert.strictEqual(new Set(kept).size, kept.length)
      const numbers = new Set(kept)
      for (const [run, last] of acknowledged.entries()) {
        assert.isAbove(last, 50)
        for (let number = 1; number <= last; number++) assert.isTrue(numbers.has(`${run},${number}`))
      }
      assert.deepStrictEqual(filesOf(path, ".ndjson"), [])
    }),
  60_000
)
