import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as BudgetsConfig from "../config/Budgets.js"
import type { Fields } from "../config/FileForm.js"
import { LiveSettings } from "../config/LiveSettings.js"
import { same } from "../config/Same.js"
import type { BudgetSettings } from "../config/Settings.js"
import { Database } from "../store/Database.js"
import { Budgets } from "./Budgets.js"
import type { BudgetStoreFailed } from "./BudgetStore.js"
import * as BudgetTables from "./BudgetTables.js"

/** A budget cannot be changed in this way. */
export class BudgetRefused extends Schema.TaggedError<BudgetRefused>()("BudgetRefused", {
  /** `configured`: only the config file can take it away. */
  reason: Schema.Literal("invalid", "unknown", "configured"),
  scope: Schema.String,
  /** What is wrong with its fields. */
  problems: Schema.Array(Schema.Struct({ path: Schema.String, message: Schema.String }))
}) {}

/** Changes budgets while the gateway serves. What is set lies over the configuration, and holds before it is said to. */
export class BudgetEditor extends Context.Tag("orelse/BudgetEditor")<
  BudgetEditor,
  {
    /** Sets the budget of a scope, whole, by fields in the form of the config file. */
    readonly set: (scope: string, fields: Fields) => Effect.Effect<BudgetSettings, BudgetRefused | BudgetStoreFailed>
    /** Takes back what was set; what is configured, if anything, holds again. */
    readonly remove: (scope: string) => Effect.Effect<void, BudgetRefused | BudgetStoreFailed>
    /** Was it set, and not only configured? */
    readonly isSet: (scope: string) => boolean
    /** Takes over what was set by others. */
    readonly follow: Effect.Effect<void, BudgetStoreFailed>
  }
>() {
  /** What is set holds until the gateway ends. */
  static readonly layerMemory: Layer.Layer<BudgetEditor, never, Budgets | LiveSettings> = Layer.effect(
    BudgetEditor,
    Effect.suspend(() => make(undefined))
  )

  /** What is set is in the database. */
  static readonly layerTables: Layer.Layer<BudgetEditor, never, Budgets | Database | LiveSettings> = Layer.effect(
    BudgetEditor,
    Effect.flatMap(Database, (database) => make(BudgetTables.definitions(database)))
  )

  /** Looks every two seconds for what other gateways have set. */
  static readonly following: Layer.Layer<never, never, BudgetEditor | Database> = Layer.scopedDiscard(
    Effect.gen(function* () {
      const database = yield* Database
      const { follow } = yield* BudgetEditor
      let isTold = false
      const look = follow.pipe(
        Effect.tap(() => Effect.sync(() => void (isTold = false))),
        Effect.catchAll(({ message }) => {
          if (isTold || database.status() !== "up") return Effect.void
          isTold = true
          return Effect.logWarning(`budgets that were set are not followed: ${message}`)
        })
      )
      yield* Effect.forkScoped(Effect.zipRight(database.whenUp, Effect.repeat(look, Schedule.spaced("2 seconds"))))
    })
  )
}

type Made = Effect.Effect<BudgetEditor["Type"], never, Budgets | LiveSettings>

const make = (store: BudgetTables.Definitions | undefined): Made =>
  Effect.gen(function* () {
    const budgets = yield* Budgets
    const live = yield* LiveSettings
    const turns = yield* Effect.makeSemaphore(1)
    let definitions: ReadonlyMap<string, Fields> = new Map()
    let laid: ReadonlyArray<BudgetSettings> = []
    let misfits: ReadonlyArray<string> = []

    const check = (scope: string, fields: Fields) =>
      BudgetsConfig.check(
        scope,
        fields,
        live.current().instances.map(({ id }) => id)
      )

    /** The configuration may have changed under what was set. */
    const lay = (found: ReadonlyMap<string, Fields>): Effect.Effect<void> =>
      Effect.suspend(() => {
        definitions = found
        const made: Array<BudgetSettings> = []
        const unfit: Array<string> = []
        for (const [scope, fields] of found) {
          const checked = check(scope, fields)
          if (Either.isRight(checked)) made.push(checked.right)
          else unfit.push(`${scope} (${checked.left.map(({ message, path }) => `${path} ${message}`).join("; ")})`)
        }
        if (!same(made, laid)) budgets.setOverlay(made)
        laid = made
        const news = unfit.filter((each) => !misfits.includes(each))
        misfits = unfit
        return Effect.forEach(
          news,
          (each) => Effect.logWarning(`a budget that was set does not fit the configuration any more: ${each}`),
          { discard: true }
        )
      })

    const keep = (scope: string, fields: Fields | undefined): Effect.Effect<void, BudgetStoreFailed> =>
      Effect.gen(function* () {
        if (store !== undefined) yield* store.save(scope, fields)
        const changed = new Map(definitions)
        if (fields === undefined) changed.delete(scope)
        else changed.set(scope, fields)
        yield* lay(changed)
      })

    const load = store === undefined ? Effect.void : Effect.flatMap(store.load, lay)

    return BudgetEditor.of({
      isSet: (scope) => definitions.has(scope),
      follow: turns.withPermits(1)(load),
      set: (scope, fields) =>
        Effect.gen(function* () {
          const made = check(scope, fields)
          if (Either.isLeft(made)) {
            return yield* new BudgetRefused({ reason: "invalid", scope, problems: made.left })
          }
          yield* keep(scope, { ...fields, scope: undefined })
          return made.right
        }).pipe(Effect.uninterruptible, turns.withPermits(1)),
      remove: (scope) =>
        Effect.gen(function* () {
          yield* load
          if (!definitions.has(scope)) {
            const isConfigured = live.current().budgets.some((each) => each.scope === scope)
            return yield* new BudgetRefused({ reason: isConfigured ? "configured" : "unknown", scope, problems: [] })
          }
          yield* keep(scope, undefined)
        }).pipe(Effect.uninterruptible, turns.withPermits(1))
    })
  })
