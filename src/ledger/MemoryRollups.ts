import * as Money from "../domain/Money.js"
import * as Rollup from "./Rollup.js"
import type { Order, RowsAsked, SpansAsked, Sum, SumsAsked } from "./RollupQuery.js"

/**
 * Rollups of a gateway without a database. They are 35 days and 100,000 rows: where there are more, the earliest quarters of an
 * hour forget who used what, dimension by dimension, and keep their sums as `(others)`.
 */
export class MemoryRollups {
  private readonly dimensions = new Map<Rollup.Dimension, Buckets>()
  private size = 0

  constructor(private readonly limits: Limits = usual) {}

  add(rollups: ReadonlyArray<Rollup.Rollup>): void {
    for (const rollup of rollups) this.addOne(rollup)
    while (this.size > this.limits.rows && this.fold());
  }

  /** The earliest first. */
  rows(asked: RowsAsked): ReadonlyArray<Rollup.Rollup> {
    const found: Array<Rollup.Rollup> = []
    this.each(asked, (row) => found.push({ ...row }))
    return found.toSorted((a, b) => a.bucket - b.bucket || byName(a, b))
  }

  /** The greatest first. */
  sums({ limit, order, ...asked }: SumsAsked): ReadonlyArray<Sum> {
    const found = new Map<string, Mutable<Sum>>()
    this.each(asked, (row) => {
      const sum = found.get(row.value)
      if (sum === undefined) found.set(row.value, { value: row.value, ...Rollup.plus(Rollup.none, row) })
      else grow(sum, row)
    })
    const used = [...found.values()].filter(({ calls, hits }) => calls !== 0 || hits !== 0)
    return used.toSorted((a, b) => orders[order](a, b) || byName(a, b)).slice(0, limit)
  }

  /** In their order. */
  spans({ dimension, spans, value }: SpansAsked): ReadonlyArray<Rollup.Figures> {
    return spans.map((span) => {
      const sum = { ...Rollup.none }
      this.each({ dimension, value, ...span }, (row) => grow(sum, row))
      return sum
    })
  }

  private addOne(rollup: Rollup.Rollup): void {
    const { bucket, dimension, value } = rollup
    let buckets = this.dimensions.get(dimension)
    if (buckets === undefined) this.dimensions.set(dimension, (buckets = new Map()))
    let rows = buckets.get(bucket)
    if (rows === undefined) {
      buckets.set(bucket, (rows = new Map()))
      this.expire(buckets, bucket - this.limits.age)
    }
    const known = rows.get(value)
    if (known !== undefined) return grow(known, rollup)
    if (rows.size >= this.limits.values) this.addTo(rows, { ...rollup, value: others })
    else this.addTo(rows, rollup)
  }

  private addTo(rows: Rows, rollup: Rollup.Rollup): void {
    const known = rows.get(rollup.value)
    if (known !== undefined) return grow(known, rollup)
    rows.set(rollup.value, { ...rollup })
    this.size++
  }

  private expire(buckets: Buckets, before: number): void {
    for (const [bucket, rows] of buckets) {
      if (bucket >= before) continue
      buckets.delete(bucket)
      this.size -= rows.size
    }
  }

  /** Of the dimension with most rows, the earliest quarter of an hour that knows who it was. False: there is none. */
  private fold(): boolean {
    let largest: Rows | undefined = undefined
    let most = 0
    for (const buckets of this.dimensions.values()) {
      let size = 0
      let earliest: number = Number.POSITIVE_INFINITY
      for (const [bucket, rows] of buckets) {
        size += rows.size
        if (rows.size > 1 && bucket < earliest) earliest = bucket
      }
      const rows = buckets.get(earliest)
      if (rows === undefined || size <= most) continue
      most = size
      largest = rows
    }
    if (largest === undefined) return false
    const folded = [...largest.values()]
    this.size -= largest.size
    largest.clear()
    for (const row of folded) this.addTo(largest, { ...row, value: others })
    return true
  }

  private each({ dimension, from, to, value }: RowsAsked, use: (row: Rollup.Rollup) => void): void {
    for (const [bucket, rows] of this.dimensions.get(dimension) ?? []) {
      if (bucket < from || bucket >= to) continue
      if (value === undefined) for (const row of rows.values()) use(row)
      else {
        const row = rows.get(value)
        if (row !== undefined) use(row)
      }
    }
  }
}

interface Limits {
  readonly rows: number
  /** In a quarter of an hour of a dimension. */
  readonly values: number
  /** In ms. */
  readonly age: number
}

/** A row takes 300 bytes. */
const usual: Limits = { rows: 100_000, values: 1_000, age: 35 * 86_400_000 }

/** Whoever there is no room for. */
const others = "(others)"

type Mutable<A> = { -readonly [Field in keyof A]: A[Field] }

type Rows = Map<string, Mutable<Rollup.Rollup>>

/** By the start of the quarter of an hour. */
type Buckets = Map<number, Rows>

/** `Rollup.plus` in place: this is done for every call. */
const grow = (sum: Mutable<Rollup.Figures>, more: Rollup.Figures): void => {
  sum.calls += more.calls
  sum.successes += more.successes
  sum.failures += more.failures
  sum.cancelled += more.cancelled
  sum.hits += more.hits
  sum.unpriced += more.unpriced
  sum.input_tokens += more.input_tokens
  sum.output_tokens += more.output_tokens
  sum.cost_usd = Money.sum([sum.cost_usd, more.cost_usd])
  sum.saved_usd = Money.sum([sum.saved_usd, more.saved_usd])
  sum.ms += more.ms
}

const orders: Readonly<Record<Order, (a: Sum, b: Sum) => number>> = {
  cost: (a, b) => descending(a.cost_usd, b.cost_usd) || b.calls - a.calls,
  requests: (a, b) => b.calls - a.calls || descending(a.cost_usd, b.cost_usd),
  tokens: (a, b) => tokensOf(b) - tokensOf(a) || descending(a.cost_usd, b.cost_usd)
}

const tokensOf = (sum: Sum): number => sum.input_tokens + sum.output_tokens

const descending = (a: bigint, b: bigint): number => (a < b ? 1 : a > b ? -1 : 0)

const byName = (a: { readonly value: string }, b: { readonly value: string }): number =>
  a.value < b.value ? -1 : a.value > b.value ? 1 : 0
