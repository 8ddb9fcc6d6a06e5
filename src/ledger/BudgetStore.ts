import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Money from "../domain/Money.js"
import { Database } from "../store/Database.js"
import { describe } from "../store/DatabaseError.js"
import { Journal } from "../store/Journal.js"
import * as BudgetScope from "./BudgetScope.js"
import type { BudgetWindow } from "./BudgetWindow.js"
import { CostTracker } from "./CostTracker.js"
import * as Rollup from "./Rollup.js"
import { RollupStore } from "./RollupStore.js"
import { earliest, SpentByScope } from "./SpentByScope.js"

/** What is asked of the store for one budget, by this gateway. */
export interface Ask {
  readonly scope: string
  readonly windows: ReadonlyArray<BudgetWindow>
  /** What calls that wait may cost, in their order: each is granted that fits. */
  readonly amounts: ReadonlyArray<Money.Money>
  /** What is wanted besides, where there is plenty. */
  readonly more: Money.Money
  /** What was leased and is not needed. */
  readonly back: Money.Money
  /** What calls under way may cost. */
  readonly reserved: Money.Money
}

/** What the store gives, and how the budget stands behind that. */
export interface Lease {
  /** Which of the amounts. */
  readonly amounts: ReadonlyArray<boolean>
  readonly more: Money.Money
  readonly standing: Standing
}

/** How a budget stands. */
export interface Standing {
  /** Of each window, in their order. */
  readonly spent: ReadonlyArray<Money.Money>
  /** Unix ms; when the oldest spending leaves each window that rolls. */
  readonly oldest: ReadonlyArray<number | undefined>
  /** By all gateways. */
  readonly leased: Money.Money
  /**
   * By this one, with what it has spent of it and the store has not heard of; less than nothing where a call has cost more than
   * was kept for it.
   */
  readonly own: Money.Money
  /** What calls of the other gateways may cost. */
  readonly reservedElsewhere: Money.Money
}

/** It cannot say, this time. `message` is a safe sentence. */
export class BudgetStoreFailed extends Schema.TaggedError<BudgetStoreFailed>()("BudgetStoreFailed", {
  message: Schema.String
}) {}

/** What was spent of budgets, and what gateways have leased of them: together never more than the limits. */
export class BudgetStore extends Context.Tag("orelse/BudgetStore")<
  BudgetStore,
  {
    /** However long it takes: what was leased and not heard of would be lost. */
    readonly lease: (ask: Ask) => Effect.Effect<Lease, BudgetStoreFailed>
    readonly standing: (
      scope: string,
      windows: ReadonlyArray<BudgetWindow>
    ) => Effect.Effect<Standing, BudgetStoreFailed>
    /** There is a store to ask. */
    readonly whenUp: Effect.Effect<void>
  }
>() {
  /** This gateway's alone, and as long as it runs. */
  static readonly layerMemory: Layer.Layer<BudgetStore, never, CostTracker | RollupStore> = Layer.scoped(
    BudgetStore,
    Effect.gen(function* () {
      const costs = yield* CostTracker
      const rollups = yield* RollupStore
      const leases = new Map<string, bigint>()
      const told = new SpentByScope()
      const add = (scope: string, amount: bigint): void => {
        leases.set(scope, (leases.get(scope) ?? 0n) + amount)
      }
      yield* Effect.acquireRelease(
        Effect.sync(() =>
          costs.listen(({ cost_usd, timestamp }, scopes) => {
            if (scopes.length === 0) return
            const cost = Money.fromText(cost_usd ?? "0") ?? 0n
            for (const scope of scopes) {
              add(scope, -cost)
              told.add(scope, Rollup.bucketOf(Date.parse(timestamp)), cost)
            }
          })
        ),
        (end) => Effect.sync(end)
      )
      const standing = (
        scope: string,
        windows: ReadonlyArray<BudgetWindow>
      ): Effect.Effect<Standing, BudgetStoreFailed> =>
        Effect.gen(function* () {
          const of = BudgetScope.parse(scope) ?? { dimension: "global", value: "" }
          const to = (yield* Effect.clockWith((clock) => clock.currentTimeMillis)) + 2 * Rollup.quarter
          const spans = windows.map(({ start }) => ({ from: Rollup.bucketOf(start), to }))
          const spent = yield* rollups.spans({ ...of, spans })
          const rows = yield* Effect.forEach(spans, ({ from }) => rollups.query({ ...of, from, to }))
          const own = Money.Money.make(leases.get(scope) ?? 0n)
          const known = spans.map(({ from }) => told.since(scope, from))
          return {
            spent: spent.map(({ cost_usd }, at) => greater(cost_usd, known[at]?.spent ?? 0n)),
            oldest: rows.map((buckets, at) =>
              earliest(buckets.find(({ cost_usd }) => cost_usd > 0n)?.bucket, known[at]?.oldest)
            ),
            leased: atLeastNothing(own),
            own,
            reservedElsewhere: Money.zero
          }
        }).pipe(Effect.mapError(({ message }) => new BudgetStoreFailed({ message })))
      return {
        standing,
        lease: (ask) =>
          Effect.map(standing(ask.scope, ask.windows), (found) => {
            const granted = grant(ask, found)
            add(ask.scope, granted.delta)
            return granted.lease
          }),
        whenUp: Effect.void
      }
    })
  )

  /** In the tables, for all gateways that share them. */
  static readonly layerTables: Layer.Layer<BudgetStore, never, Database | Journal> = Layer.effect(
    BudgetStore,
    Effect.gen(function* () {
      const database = yield* Database
      const { id: run } = yield* Journal
      const use = <A>(effect: Effect.Effect<A, SqlError, SqlClient.SqlClient>): Effect.Effect<A, BudgetStoreFailed> =>
        database.use(effect).pipe(
          Effect.mapError(
            (error) =>
              new BudgetStoreFailed({
                message: error._tag === "SqlError" ? `the database refuses (${describe(error)})` : error.message
              })
          )
        )
      const inTime = Effect.timeoutFail({
        duration: patience,
        onTimeout: () => new BudgetStoreFailed({ message: `the database did not answer within ${patience}` })
      })
      return {
        standing: (scope, windows) => inTime(use(standingOf(run, scope, windows))),
        lease: (ask) => use(Effect.flatMap(SqlClient.SqlClient, (sql) => sql.withTransaction(leaseOf(run, ask)))),
        whenUp: database.whenUp
      }
    })
  )
}

const greater = (one: bigint, other: bigint): Money.Money => Money.Money.make(one > other ? one : other)

/** Nobody who only looks waits for longer. */
const patience = "2 seconds"

const leaseOf = (run: string, ask: Ask): Effect.Effect<Lease, SqlError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    // Whoever is lost on the way to its end holds up nobody for long.
    yield* sql`SELECT set_config('idle_in_transaction_session_timeout', ${mostIdle}, true), set_config('lock_timeout', ${longestWait}, true)`
    // One gateway after the other; the next statement sees what the one before has leased.
    yield* sql`SELECT pg_advisory_xact_lock(hashtextextended(${`budget ${ask.scope}`}, 0))`
    yield* sql`
      WITH gone AS (
        DELETE FROM budget_leases
         WHERE scope = ${ask.scope} AND run <> ${run} AND expires_at < now() AND doubted_at < now() - ${doubted}::interval)
      UPDATE budget_leases SET doubted_at = now()
       WHERE scope = ${ask.scope} AND run <> ${run} AND expires_at < now() AND doubted_at IS NULL`
    const { delta, lease } = grant(ask, yield* standingOf(run, ask.scope, ask.windows))
    // By the difference: the ledger takes out of it at the same time.
    yield* sql`
      INSERT INTO budget_leases (scope, run, leased_usd, reserved_usd, expires_at)
      VALUES (${ask.scope}, ${run}, ${usd(delta)}::numeric, ${usd(ask.reserved)}::numeric, now() + ${kept}::interval)
      ON CONFLICT (scope, run) DO UPDATE
        SET leased_usd = budget_leases.leased_usd + EXCLUDED.leased_usd, reserved_usd = EXCLUDED.reserved_usd,
            expires_at = EXCLUDED.expires_at, doubted_at = NULL`
    return lease
  })

/** A lease of a gateway that is not heard of is kept for so long: whoever has it stops to use it before. */
const kept = "1 hour"

/** And for so long after that was found out: what it has spent may be in its journal, where the database was away. */
const doubted = "10 minutes"

const mostIdle = "10s"
const longestWait = "10s"

/** In one statement: what leaves a lease to be spent is in one of both. */
const standingOf = (
  run: string,
  scope: string,
  windows: ReadonlyArray<BudgetWindow>
): Effect.Effect<Standing, SqlError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { dimension, value } = BudgetScope.parse(scope) ?? { dimension: "global", value: "" }
    const starts = JSON.stringify(
      windows.map(({ start }, place) => ({ place, start: new Date(Rollup.bucketOf(start)).toISOString() }))
    )
    const found = yield* sql<StandingRow>`
      SELECT spent.usd AS spent, spent.oldest, leases.*
        FROM (SELECT coalesce(sum(greatest(0, leased_usd)), 0) AS leased, coalesce(sum(leased_usd) FILTER (WHERE run = ${run}), 0) AS own,
                     coalesce(sum(reserved_usd) FILTER (WHERE run <> ${run}), 0) AS reserved
                FROM budget_leases WHERE scope = ${scope}) AS leases
        LEFT JOIN jsonb_to_recordset(${starts}::jsonb) AS given(place integer, start timestamptz) ON true
        LEFT JOIN LATERAL (
          SELECT coalesce(sum(cost_usd), 0) AS usd, min(bucket) FILTER (WHERE cost_usd > 0) AS oldest FROM ledger_rollups
           WHERE dimension = ${dimension} AND value = ${value} AND bucket >= given.start) AS spent ON true
       ORDER BY given.place`
    const [first] = found
    return {
      spent: found.map(({ spent }) => amountOf(spent)),
      oldest: found.map(({ oldest }) => oldest?.getTime()),
      leased: amountOf(first?.leased),
      own: amountOf(first?.own),
      reservedElsewhere: amountOf(first?.reserved)
    }
  })

/** As `pg` gives them. */
interface StandingRow {
  readonly spent: string
  readonly oldest: Date | null
  readonly leased: string
  readonly own: string
  readonly reserved: string
}

const amountOf = (text: string | undefined): Money.Money => Money.fromText(text ?? "0") ?? Money.zero

const usd = (amount: bigint): string => Money.toUsd(Money.Money.make(amount))

/** What there is for an ask, and what it changes of its gateway's lease. */
const grant = (ask: Ask, standing: Standing): { readonly lease: Lease; readonly delta: bigint } => {
  // What was overspent is less than nothing, and none of it can be given back.
  const owned = atLeastNothing(standing.own)
  // What is neither spent nor leased to others is this gateway's, or nobody's.
  const room = freeOf(ask.windows, { ...standing, leased: Money.Money.make(standing.leased - owned) })
  let own: bigint = standing.own - (ask.back > owned ? owned : ask.back)
  // More may be leased than a lower limit leaves.
  const amounts = ask.amounts.map((amount) => {
    const isGranted = own + amount <= room
    if (isGranted) own += amount
    return isGranted
  })
  // Near its end a budget goes to whoever needs it.
  const more = amounts.every(Boolean) && room - own >= ask.more * plenty ? ask.more : 0n
  own += more
  return {
    delta: own - standing.own,
    lease: {
      amounts,
      more: Money.Money.make(more),
      standing: {
        ...standing,
        leased: Money.Money.make(standing.leased - owned + atLeastNothing(own)),
        own: Money.Money.make(own)
      }
    }
  }
}

const atLeastNothing = (amount: bigint): Money.Money => Money.Money.make(amount < 0n ? 0n : amount)

const plenty = 10n

/** What is neither spent nor leased of the limit with the least room; nothing of none, and never less than nothing. */
export const freeOf = (windows: ReadonlyArray<BudgetWindow>, { leased, spent }: Standing): Money.Money => {
  const rooms = windows.map(({ limit }, at) => limit - (spent[at] ?? 0n) - leased)
  const least = rooms.reduce((a, b) => (b < a ? b : a), rooms[0] ?? 0n)
  return atLeastNothing(least)
}
