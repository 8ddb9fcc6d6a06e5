import * as DateTime from "effect/DateTime"
import type { BudgetSettings } from "../config/Settings.js"
import type { Money } from "../domain/Money.js"
import * as Rollup from "./Rollup.js"

export const periods = ["daily", "weekly", "monthly"] as const
export type Period = (typeof periods)[number]

/** The time that one limit of a budget counts over, now. Unix ms. */
export interface BudgetWindow {
  readonly period: Period
  readonly limit: Money
  readonly start: number
  /** When a calendar's window ends, and all is free again; `undefined`: it rolls. */
  readonly end: number | undefined
  /** In ms. */
  readonly length: number
}

/** Those of a budget's limits at a time (Unix ms). A calendar's are looked up once as long as they last. */
export const of = (settings: BudgetSettings, now: number): ReadonlyArray<BudgetWindow> => {
  const known = remembered.get(settings)
  if (known?.every(({ end, start }) => start <= now && end !== undefined && now < end) === true) return known
  const windows = at(settings, now)
  if (settings.window === "calendar") remembered.set(settings, windows)
  return windows
}

const remembered = new WeakMap<BudgetSettings, ReadonlyArray<BudgetWindow>>()

const at = (settings: BudgetSettings, now: number): ReadonlyArray<BudgetWindow> =>
  periods.flatMap((period): ReadonlyArray<BudgetWindow> => {
    const limit = settings[period]
    if (limit === undefined) return []
    const length = lengths[period]
    if (settings.window === "rolling") return [{ period, limit, start: now - length, end: undefined, length }]
    const zoned = DateTime.unsafeMakeZoned(now, { timeZone: settings.timeZone })
    const start = DateTime.startOf(zoned, units[period], { weekStartsOn: 1 })
    const end = DateTime.add(start, steps[period])
    const bounds = { start: DateTime.toEpochMillis(start), end: DateTime.toEpochMillis(end) }
    return [{ period, limit, ...bounds, length: bounds.end - bounds.start }]
  })

/** When there is more of a limit, as Unix ms: `oldest` is the quarter of an hour with the oldest spending in its window. */
export const resetsAt = ({ end, length }: BudgetWindow, oldest: number | undefined): number | undefined =>
  end ?? (oldest === undefined ? undefined : oldest + length + Rollup.quarter)

const day = 24 * 3_600_000

/** A rolling month has thirty days. */
const lengths = { daily: day, weekly: 7 * day, monthly: 30 * day } as const

const units = { daily: "day", weekly: "week", monthly: "month" } as const

const steps = { daily: { days: 1 }, weekly: { weeks: 1 }, monthly: { months: 1 } } as const
