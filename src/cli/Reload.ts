import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { createHash } from "node:crypto"
import { Catalog } from "../catalog/Catalog.js"
import * as LoadSettings from "../config/LoadSettings.js"
import * as Overlay from "../config/Overlay.js"
import type { Settings } from "../config/Settings.js"
import * as Differences from "./Differences.js"
import * as Watching from "./Watching.js"

/**
 * Reads the config file and `.env` again when they have changed and on SIGHUP, as long as the scope lasts. What is good is in
 * force for the next request; what is not is logged with every problem, and the last good settings stay.
 */
export const run = (
  sources: LoadSettings.LoadOptions
): Effect.Effect<void, never, Catalog | FileSystem.FileSystem | Scope.Scope> =>
  Effect.gen(function* () {
    const catalog = yield* Catalog
    const wishes = yield* Queue.sliding<"look" | "reload">(16)
    const watcher = yield* Watching.make(() => wishes.unsafeOffer("look"))
    yield* Watching.onHangUp(() => wishes.unsafeOffer("reload"))

    /** What the files held when they were last loaded; at first nobody knows. */
    let loaded: string | undefined

    const reload = Effect.gen(function* () {
      const first = loaded === undefined
      let found = yield* contents(sources)
      // An editor may not be done yet.
      do {
        loaded = found.hash
        yield* Effect.sleep(settling)
        found = yield* contents(sources)
      } while (found.hash !== loaded)
      watcher.follow(found.files)
      const settings = yield* Effect.either(LoadSettings.load(sources))
      if (Either.isRight(settings)) return yield* take(catalog, settings.right, first)
      for (const line of settings.left.message.split("\n")) yield* Effect.logError(line.trim())
      yield* Effect.logError("the configuration was not taken; the last good one stays")
    })

    const serve = Effect.gen(function* () {
      const wish = yield* Queue.take(wishes)
      if (wish === "reload" || (yield* contents(sources)).hash !== loaded) yield* reload
    })

    yield* Effect.forkScoped(Effect.forever(Effect.zipRight(Queue.offer(wishes, "look"), Effect.sleep(pollEvery))))
    yield* Effect.forkScoped(
      Effect.forever(
        Effect.catchAllDefect(serve, (defect) => Effect.logError("reading the settings again failed", defect))
      )
    )
  })

/** Watching a directory misses changes on some file systems; looking does not. */
const pollEvery = "2 seconds"

/** In ms. */
const settling = 200

/** Puts settings in force, and says what they change. */
const take = (catalog: Catalog["Type"], settings: Settings, silently: boolean): Effect.Effect<void> =>
  Effect.gen(function* () {
    const before = catalog.configured()
    const { made, needRestart } = Differences.between(before, settings)
    if (made.length + needRestart.length === 0) {
      return yield* silently ? Effect.void : Effect.logInfo("the configuration was read again: nothing has changed")
    }
    const unfit = catalog.setSettings(settings)
    yield* Effect.logInfo(`the configuration was read again: ${made.length === 0 ? "nothing is new" : made.join("; ")}`)
    if (needRestart.length > 0) yield* Effect.logWarning(`needs a restart: ${needRestart.join(", ")}`)
    for (const notice of settings.notices.filter((each) => !before.notices.includes(each))) {
      yield* Effect.logWarning(notice)
    }
    for (const { message, path } of unfit.flatMap(Overlay.problemsOf)) {
      yield* Effect.logWarning(`what was changed over the admin API does not fit any more: ${path}: ${message}`)
    }
  })

/** The files that settings come from, and a hash of what they hold, which may be keys. */
const contents = (sources: LoadSettings.LoadOptions) =>
  Effect.gen(function* () {
    const files = yield* Effect.orElseSucceed(LoadSettings.filesOf(sources), (): ReadonlyArray<string> => [])
    const system = yield* FileSystem.FileSystem
    const hash = createHash("sha256")
    for (const file of files) {
      const text = yield* Effect.orElseSucceed(system.readFileString(file), () => undefined)
      hash.update(JSON.stringify([file, text ?? null]))
    }
    return { files, hash: hash.digest("hex") }
  })
