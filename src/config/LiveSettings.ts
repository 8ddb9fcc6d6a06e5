import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import type { Settings } from "./Settings.js"

/** The settings of this moment: what was configured, and what was changed since. */
export class LiveSettings extends Context.Tag("orelse/LiveSettings")<
  LiveSettings,
  {
    readonly current: () => Settings
    /** Tells of every change from now on, as a queue that ends with the scope. */
    readonly subscribe: Effect.Effect<Queue.Dequeue<{ readonly settings: Settings }>, never, Scope.Scope>
  }
>() {}
