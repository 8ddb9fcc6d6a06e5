import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { eventually, launchProgram, root } from "./command.js"
import { number, parsed, record, text } from "../../../src/protocol/Json.js"

/** A real model behind Ollama's two APIs. */
export interface LocalModel {
  readonly url: string
  readonly stats: Effect.Effect<Stats>
  /** Waits for these to come true of it. */
  readonly reaches: (what: string, holds: (stats: Stats) => boolean) => Effect.Effect<Stats>
  /** Lets the model `stepped` stream its next piece: the text of it, when it has been sent. */
  readonly step: Effect.Effect<string>
  /** Waits until it works for nobody. */
  readonly isIdle: Effect.Effect<Stats>
}

/** What it did since it was started: requests, and tokens of all of them. */
export interface Stats {
  readonly running: number
  readonly finished: number
  /** Those whose caller hung up. */
  readonly aborted: number
  readonly tokens: number
}

const found = spawnSync(process.execPath, [join(root, "scripts/local-model.mjs"), "--find"], { encoding: "utf8" })

/** Is there a model on this machine? */
export const isHere = found.status === 0

/** Says in the title of a suite why it is skipped. */
export const note = isHere ? "" : ` (skipped, there is no model: ${found.stdout.trim()})`

/** Starts it, and waits until it takes requests. */
export const serveModel: Effect.Effect<LocalModel, never, Scope.Scope> = Effect.gen(function* () {
  const program = fileURLToPath(new URL("./llama.ts", import.meta.url))
  const args = ["--import", "tsx", program, found.stdout.trim()]
  const launched = yield* launchProgram(process.execPath, args, { directory: root })
  const line = yield* Effect.raceFirst(
    launched.says(/listening on .*\n/),
    Effect.flatMap(launched.ended, ({ stderr }) => Effect.die(new Error(`the model ended: ${stderr}`)))
  )
  const url = line.replace("listening on ", "").trim()

  const ask = (method: string, path: string) =>
    Effect.promise(async (signal) => {
      const response = await fetch(`${url}${path}`, { method, signal })
      return record(parsed(await response.text()))
    })
  const stats = Effect.map(ask("GET", "/stats"), ({ aborted, finished, running, tokens }): Stats => ({
    running: number(running) ?? NaN,
    finished: number(finished) ?? NaN,
    aborted: number(aborted) ?? NaN,
    tokens: number(tokens) ?? NaN
  }))
  const reaches: LocalModel["reaches"] = (what, holds) =>
    eventually(() => `${what}: ${launched.stderr()}`, Effect.filterOrFail(stats, holds))
  return {
    url,
    stats,
    reaches,
    isIdle: reaches("the model to be idle", ({ running }) => running === 0),
    step: Effect.map(ask("POST", "/step"), ({ piece }) => text(piece) ?? "no piece")
  }
})
