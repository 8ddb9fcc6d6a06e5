import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import { LiveSettings } from "../../src/config/LiveSettings.js"
import type { Settings } from "../../src/config/Settings.js"

/** Settings that nobody changes. */
export const fixed = (settings: Settings): Layer.Layer<LiveSettings> =>
  Layer.succeed(LiveSettings, {
    current: () => settings,
    subscribe: Queue.unbounded<{ readonly settings: Settings }>()
  })
