import * as Command from "@effect/cli/Command"
import * as CliOptions from "@effect/cli/Options"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { CacheBody, ClearedBody } from "../http/CacheBody.js"
import * as Options from "./Options.js"
import * as Remote from "./Remote.js"
import * as Table from "./Table.js"

const clear = CliOptions.boolean("clear").pipe(CliOptions.withDescription("take away every answer that is kept"))

/** `orelse cache`: what the cache of a running gateway holds, and what it has saved. */
export const cache = Command.make("cache", { url: Options.url, json: Options.json, clear }, (options) =>
  Effect.gen(function* () {
    const gateway = yield* Remote.make(options.url)
    if (options.clear) {
      const gone = yield* gateway.remove("/admin/cache", ClearedBody)
      return yield* Console.log(options.json ? JSON.stringify(gone) : `${gone.cleared} answers are gone.`)
    }
    const stats = yield* gateway.get("/admin/cache/stats", CacheBody)
    yield* Console.log(options.json ? JSON.stringify(stats) : lines(stats).join("\n"))
  })
).pipe(Command.withDescription("show what the cache of a running gateway holds and has saved"))

/** As people read it. */
export const lines = (stats: CacheBody): ReadonlyArray<string> => [
  ...(stats.enabled ? [] : ["The cache is not enabled (cache.enabled in the config file)."]),
  ...Table.lines([
    ["answers kept", String(stats.entries)],
    ["bytes", String(stats.bytes)],
    ["hits", stats.hit_ratio === null ? "0" : `${stats.hits} (${Math.round(stats.hit_ratio * 1000) / 10} %)`],
    ["misses", String(stats.misses)],
    ["given though expired", String(stats.stale_hits)],
    ["shared in flight", String(stats.coalesced)],
    ["evicted", String(stats.evictions)],
    ["expired", String(stats.expirations)],
    ["saved", `${stats.saved_usd} USD, ${Math.round(stats.saved_ms / 100) / 10} s`]
  ])
]
