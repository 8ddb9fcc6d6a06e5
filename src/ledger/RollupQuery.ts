import type { Dimension, Figures } from "./Rollup.js"

/** From the start of one quarter of an hour to that of another, as Unix ms; it ends before `to`. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** Rows of a dimension. */
export interface RowsAsked extends Span {
  readonly dimension: Dimension
  /** Absent: of all of them. */
  readonly value?: string | undefined
}

/** What is great: what costs, what is asked most often, or what takes most tokens. */
export type Order = "cost" | "requests" | "tokens"

/** The sums of those values of a dimension that were used. */
export interface SumsAsked extends Span {
  readonly dimension: Dimension
  readonly order: Order
  /** No more values than that. */
  readonly limit: number
}

/** The sums of one value in each of some spans. */
export interface SpansAsked {
  readonly dimension: Dimension
  /** Empty where the dimension is global. */
  readonly value: string
  readonly spans: ReadonlyArray<Span>
}

/** What one value of a dimension comes to. */
export interface Sum extends Figures {
  readonly value: string
}
