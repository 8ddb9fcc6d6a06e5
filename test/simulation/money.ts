import * as Effect from "effect/Effect"
import type { BudgetSettings } from "../../src/config/Settings.js"
import * as Money from "../../src/domain/Money.js"
import * as BudgetWindow from "../../src/ledger/BudgetWindow.js"
import type { LedgerEntry } from "../../src/ledger/LedgerEntry.js"
import * as Rollup from "../../src/ledger/Rollup.js"
import * as Arrivals from "../../src/simulation/Arrivals.js"
import * as Behaviour from "../../src/simulation/Behaviour.js"
import { priceOf, type Bill } from "../../src/simulation/Bill.js"
import type { Ended } from "../../src/simulation/Callers.js"
import { Chance } from "../../src/simulation/Chance.js"
import * as Simulation from "../../src/simulation/Simulation.js"
import { ids, worldOf } from "./world.js"

/** A world with prices and hard budgets, which are too small for some of its requests. */
const worldWithMoney = (seed: number, requests: number) => {
  const chance = new Chance(seed, "money")
  const one = <const A>(...all: readonly [A, ...ReadonlyArray<A>]): A => all[chance.below(all.length)] ?? all[0]
  /** In USD, as likely of one size as of another. */
  const dollars = (low: number, high: number): string => (low * (high / low) ** chance.next()).toFixed(5)
  const limits = (low: number, high: number) => {
    const limit = dollars(low, high)
    return one<() => object>(
      () => ({ daily: limit }),
      () => ({ daily: limit, monthly: (3 * Number(limit)).toFixed(5) }),
      () => ({ weekly: limit }),
      () => ({ monthly: limit, weekly: (0.9 * Number(limit)).toFixed(5) })
    )()
  }
  const budget = (scope: string, low: number, high: number) => ({
    scope,
    ...limits(low, high),
    ...(chance.happens(0.5) ? { window: "rolling" } : { timeZone: one("UTC", "Asia/Kathmandu", "America/New_York") }),
    ...(chance.happens(0.95) ? { worstCase: "0.3" } : {})
  })
  const budgets = [
    budget("global", 0.5, 8),
    ...(["provider:simulated", "model:m"] as const)
      .filter(() => chance.happens(0.4))
      .map((scope) => budget(scope, 0.1, 4)),
    ...ids.filter(() => chance.happens(0.4)).map((id) => budget(`instance:${id}`, 0.02, 2)),
    ...(chance.happens(0.6) ? [budget("user:*", 0.02, 1)] : []),
    ...(chance.happens(0.3) ? [budget("user:user-1", 0.01, 0.3)] : [])
  ]
  const isLong = chance.happens(0.2)
  const { scenario, ...world } = worldOf(seed, (file) => ({
    ...file,
    requests: {
      ...file.requests,
      promptTokens: { p50: 300, p99: 3_000 },
      ...(chance.happens(0.9) ? { maxTokens: 20 + chance.below(80) } : {})
    },
    config: { ...file.config, budgets, ...(isLong ? { health: { checkOnStart: false } } : {}) }
  }))
  // A midnight, a Monday or a first of the month comes in the middle; or else days go by.
  const place = isLong
    ? { duration: 60 * hour, arrivals: { ...scenario.arrivals, rate: requests / (60 * 3_600) } }
    : {
        arrivals: { ...scenario.arrivals, rate: requests / 200 },
        start: one(24, 96, 744) * hour - 1_000 * chance.below(200)
      }
  return { ...world, scenario: { ...scenario, ...place } }
}

const hour = 3_600_000

/** What came of a world. */
interface Outcome {
  readonly violations: ReadonlyArray<string>
  readonly requests: number
  /** Calls by how they were booked, and failures of requests. */
  readonly seen: ReadonlyMap<string, number>
}

/**
 * Runs a world, and compares what the gateway wrote down with the bills of the providers and with the budgets. A bill whose usage has
 * reached the gateway is its row to the last digit. Of any other call the row is either free, as the provider said that
 * it does not answer, or marked as estimated: a token for every four bytes of the request and every four characters of
 * the answer that had left.
 */
export const prove = (seed: number, requestsWanted: number): Effect.Effect<Outcome> =>
  Effect.gen(function* () {
    const { scenario } = worldWithMoney(seed, requestsWanted)
    const [only] = scenario.compared
    if (only === undefined) throw new Error("nothing to run")
    const violations = new Set<string>()
    const seen = new Map<string, number>()
    const wrong = (what: string): void => void violations.add(`seed ${seed}: ${what}`)
    const saw = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1)

    const spending = new Spending(only.settings.budgets)
    const rows: Array<LedgerEntry> = []
    const bills: Array<Bill> = []
    let requests = 0
    let books: Simulation.Books | undefined

    /** Nothing is ever spent, or kept for calls, beyond a limit. */
    const look = (scopes: Iterable<string>): void => {
      if (books === undefined) return
      const now = books.now()
      for (const scope of scopes) {
        const kept = books.budgets.reserved(scope)
        if (kept < 0n) wrong(`less than nothing is reserved of ${scope}`)
        for (const { limit, period, spent } of spending.of(scope, now)) {
          if (spent > limit) wrong(`${Money.toUsd(spent)} of ${scope} spent, ${period} ${Money.toUsd(limit)}`)
          else if (spent + kept > limit) wrong(`more of ${scope} reserved than there is, ${period}`)
        }
      }
    }
    // What a call has cost is written a moment before what was kept for it is free.
    let drawn: ReadonlyArray<string> = []
    const lookAgain = (): void => {
      look(drawn)
      drawn = []
    }
    const atRest = Effect.gen(function* () {
      if (books === undefined) return
      // Until what was leased is given back.
      yield* Effect.sleep("10 seconds")
      const now = books.now()
      look(spending.scopes.keys())
      for (const [scope, settings] of spending.scopes) {
        const windows = spending.windows(settings, now)
        const standing = yield* Effect.orDie(books.store.standing(scope, windows))
        for (const [at, window] of windows.entries()) {
          const spent = spending.spent(scope, { ...window, start: Rollup.bucketOf(window.start) }, now)
          if (spent !== standing.spent[at]) {
            wrong(
              `${Money.toUsd(spent)} of ${scope} spent, and the store has ${Money.toUsd(standing.spent[at] ?? Money.zero)}`
            )
          }
        }
        if (standing.leased !== 0n) wrong(`${Money.toUsd(standing.leased)} of ${scope} stays leased`)
        if (books.budgets.reserved(scope) !== 0n) wrong(`some of ${scope} stays reserved`)
      }
    })

    const left = yield* Simulation.run(scenario, only, {
      circuit: () => {},
      ended: (ended: Ended) => {
        requests++
        if (ended.failure !== undefined) saw(ended.failure)
        lookAgain()
      },
      money: {
        opened: (opened) => {
          books = opened
        },
        charged: (row) => {
          rows.push(row)
          saw(`${row.outcome} ${row.usage_source ?? "free"}`)
          drawn = [...drawn, ...spending.add(row)]
        },
        billed: (bill) => {
          bills.push(bill)
          lookAgain()
        },
        atRest
      }
    })
    for (const [what, count] of Object.entries(left)) if (count !== 0) wrong(`${count} ${what} left`)

    const arrivals = [...Arrivals.make(scenario)]
    /** Of the request as its caller sent it. */
    const bytesOf = ({ request }: Bill): number => {
      const number = Number(request)
      const arrival = arrivals[number - 1]
      const { maxTokens, model } = scenario.requests
      return arrival === undefined
        ? 0
        : Buffer.byteLength(JSON.stringify(Behaviour.body(model, arrival, { maxTokens, number })))
    }
    const { settings } = only
    const instanceOf = (id: string) => settings.instances.find((instance) => instance.id === id)
    const rowsOf = grouped(rows, (row) => `${row.request_id} ${row.instance} ${row.provider_model_id}`)
    const billsOf = grouped(
      bills.filter(({ request }) => request !== undefined),
      ({ instance, model, request }) => `${request} ${instance} ${model}`
    )
    for (const key of new Set([...rowsOf.keys(), ...billsOf.keys()])) {
      const written = (rowsOf.get(key) ?? []).toSorted((a, b) => (a.timestamp < b.timestamp ? -1 : 1))
      const billed = (billsOf.get(key) ?? []).toSorted((a, b) => a.at - b.at)
      if (written.length !== billed.length) {
        wrong(`${written.length} rows of ${billed.length} calls of ${key}`)
        continue
      }
      for (const [at, row] of written.entries()) {
        const bill = billed[at]
        const instance = instanceOf(row.instance)
        if (bill === undefined || instance === undefined) continue
        const why = mismatch(row, bill, {
          bytes: bytesOf(bill),
          price: (prompt, answer) => Money.toUsd(priceOf(instance, bill.model, { prompt, answer }))
        })
        if (why !== undefined) wrong(`${why}: ${key}, ${bill.end}, ${row.outcome} ${row.category ?? ""}`)
      }
    }
    return { violations: [...violations], requests, seen }
  })

const grouped = <A>(all: ReadonlyArray<A>, by: (one: A) => string): ReadonlyMap<string, ReadonlyArray<A>> => {
  const groups = new Map<string, Array<A>>()
  for (const one of all) {
    const group = groups.get(by(one))
    if (group === undefined) groups.set(by(one), [one])
    else group.push(one)
  }
  return groups
}

/** What a row and the bill of the same call have to do with each other and have not; `undefined`: they agree. */
const mismatch = (
  row: LedgerEntry,
  { cost, end, said, used }: Bill,
  { bytes, price }: { readonly bytes: number; readonly price: (prompt: number, answer: number) => string }
): string | undefined => {
  if (row.reserved_usd !== null && amountOf(row.cost_usd) > amountOf(row.reserved_usd)) return "more than was reserved"
  const { category, cost_usd, input_tokens, outcome, output_tokens, usage_source } = row
  if (end === "answered") {
    if (usage_source !== "reported") return "reported, and not written"
    if (input_tokens !== used.prompt || output_tokens !== used.answer) return "other tokens than reported"
    return amountOf(cost_usd) === cost ? undefined : `${cost_usd} instead of ${Money.toUsd(cost)}`
  }
  if (usage_source === "reported") return "written as reported"
  if (usage_source === null) {
    if (cost_usd !== "0") return "a cost from nowhere"
    return end === "cut" && outcome !== "failure" ? "a call that was cut is free" : undefined
  }
  if (end === "refused" && outcome === "failure" && !silent.has(category ?? "")) return "a refusal is not free"
  const [input, output] = [Math.ceil(bytes / 4), Math.ceil(said / 4)]
  if (input_tokens !== input || output_tokens !== output) {
    return `${input_tokens} and ${output_tokens} tokens estimated instead of ${input} and ${output}`
  }
  return cost_usd === price(input, output) ? undefined : `${cost_usd} estimated instead of ${price(input, output)}`
}

/** Failures of which nobody knows what they cost. */
const silent = new Set(["timeout", "network", "malformed_response"])

const amountOf = (usd: string | null): Money.Money => Money.fromText(usd ?? "0") ?? Money.zero

/** What was spent of each budget, summed up from the rows by the time at which their calls began. */
class Spending {
  /** Each one that something was spent of. */
  readonly scopes = new Map<string, BudgetSettings>()
  private readonly spendings = new Map<string, Array<{ readonly at: number; readonly cost: bigint }>>()
  private readonly known = new Map<string, ReadonlyArray<BudgetWindow.BudgetWindow>>()

  constructor(private readonly budgets: ReadonlyArray<BudgetSettings>) {}

  /** Gives the budgets that it is of. */
  add({ cost_usd, instance, model, provider, timestamp, user }: LedgerEntry): ReadonlyArray<string> {
    const at = Date.parse(timestamp)
    const cost = amountOf(cost_usd)
    const scopes = ["global", `provider:${provider}`, `instance:${instance}`, `model:${model}`, `user:${user ?? ""}`]
    return scopes.filter((scope) => {
      const own = this.budgets.find((budget) => budget.scope === scope)
      const settings = own ?? (user !== null && scope.startsWith("user:") ? this.ofEach : undefined)
      if (settings === undefined) return false
      this.scopes.set(scope, settings)
      const all = this.spendings.get(scope)
      if (all === undefined) this.spendings.set(scope, [{ at, cost }])
      else all.push({ at, cost })
      return true
    })
  }

  /** What is spent of each limit of a budget now (Unix ms). */
  of(scope: string, now: number) {
    const settings = this.scopes.get(scope)
    const windows = settings === undefined ? [] : this.windows(settings, now)
    return windows.map((window) => ({ ...window, spent: this.spent(scope, window, now) }))
  }

  /** Those at a time (Unix ms); a calendar's are the same within a quarter of an hour. */
  windows(settings: BudgetSettings, now: number): ReadonlyArray<BudgetWindow.BudgetWindow> {
    if (settings.window === "rolling") return BudgetWindow.of(settings, now)
    const key = `${settings.scope} ${Rollup.bucketOf(now)}`
    // A copy knows nothing of what the gateway has looked up.
    const windows = this.known.get(key) ?? BudgetWindow.of({ ...settings }, now)
    this.known.set(key, windows)
    return windows
  }

  spent(scope: string, { end, start }: BudgetWindow.BudgetWindow, now: number): Money.Money {
    let sum = 0n
    for (const { at, cost } of this.spendings.get(scope) ?? []) {
      if (at >= start && at < (end ?? now + 1)) sum += cost
    }
    return Money.Money.make(sum)
  }

  private get ofEach(): BudgetSettings | undefined {
    return this.budgets.find(({ scope }) => scope === "user:*")
  }
}
