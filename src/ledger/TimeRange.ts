import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { bucketOf, quarter } from "./Rollup.js"
import type { Span } from "./RollupQuery.js"

/** Whole quarters of an hour, and the time zone that says what a day is. */
export interface TimeRange extends Span {
  readonly zone: DateTime.TimeZone
  /** The zone's name as it was given. */
  readonly timeZone: string
}

/** A range as an operator writes it. */
export interface Given {
  /** A day, as 2026-01-31, or a time with its offset, as 2026-01-31T12:00:00Z. */
  readonly from?: string | undefined
  /** A day is meant with all of it; absent is now. */
  readonly to?: string | undefined
  /** So many days of the time zone, today included. */
  readonly days?: string | undefined
  /** As Europe/Berlin; absent is UTC. */
  readonly time_zone?: string | undefined
}

/** What is asked for cannot be understood. `message` says what to write. */
export class WrongQuery extends Schema.TaggedError<WrongQuery>()("WrongQuery", {
  param: Schema.String,
  message: Schema.String
}) {}

/** One day of a time zone, or the part of it that is in a range. */
export interface Day extends Span {
  /** As 2026-11-21. */
  readonly day: string
}

/**
 * The range that is asked for at a time (Unix ms): from `from` to `to`, or else the last `days` days. It is widened to whole quarters
 * of an hour.
 */
export const read = (
  { days, from, time_zone: timeZone = "UTC", to }: Given,
  now: number,
  usualDays: number = 30
): Either.Either<TimeRange, WrongQuery> => {
  const known = zoneNamed(timeZone)
  if (Either.isLeft(known)) return Either.left(known.left)
  const zone = known.right
  if (days !== undefined && (from !== undefined || to !== undefined)) {
    return wrong("days", "'days' cannot be combined with 'from' and 'to': the last days end now")
  }
  const count = days === undefined ? usualDays : countOf(days, longest)
  if (count === undefined) return wrong("days", `'days' must be a whole number from 1 to ${longest}`)
  const until = to === undefined ? now : timeOf(to, zone, 1)
  if (until === undefined) return wrong("to", `'to' must be ${aTime}`)
  if (from === undefined && to !== undefined) return wrong("from", "'to' needs a 'from'")
  const since = from === undefined ? startOfDay(zone, now, 1 - count) : timeOf(from, zone)
  if (since === undefined) return wrong("from", `'from' must be ${aTime}`)
  if (since >= until) return wrong("from", "'from' must be earlier than 'to', which is now where it is not said")
  if (until - since > (longest + 1) * dayMs) {
    return wrong("from", `'from' and 'to' must be no more than ${longest} days apart`)
  }
  return Either.right({ from: bucketOf(since), to: bucketOf(until + quarter - 1), zone, timeZone })
}

/** Only by name: an offset may be of any minutes, and no day of it would be whole quarters of an hour. */
export const zoneNamed = (name: string): Either.Either<DateTime.TimeZone, WrongQuery> =>
  Either.fromOption(
    /^[A-Za-z]/.test(name) ? DateTime.zoneMakeNamed(name) : Option.none(),
    () =>
      new WrongQuery({
        param: "time_zone",
        message: "'time_zone' must be the name of a time zone, as UTC or Europe/Berlin are"
      })
  )

/** A whole number from 1 to `most`, as text. */
export const countOf = (text: string, most: number): number | undefined => {
  const count = /^\d{1,6}$/.test(text) ? Number(text) : 0
  return count < 1 || count > most ? undefined : count
}

/** Its days, the earliest first; the first and the last may be parts of one. */
export const daysOf = ({ from, to, zone }: Pick<TimeRange, "from" | "to" | "zone">): ReadonlyArray<Day> => {
  const days: Array<Day> = []
  for (let start = from; start < to;) {
    const end = Math.min(to, startOfDay(zone, start, 1))
    days.push({ day: nameOf(zone, start), from: start, to: end })
    start = end
  }
  return days
}

/** When the day begins that is `days` after the one of a time; both Unix ms. Where it has no midnight, its first moment. */
export const startOfDay = (zone: DateTime.TimeZone, at: number, days = 0): number =>
  DateTime.toEpochMillis(
    DateTime.startOf(DateTime.add(DateTime.startOf(DateTime.setZone(utc(at), zone), "day"), { days }), "day")
  )

/** The calendar month of a time, and when the next one begins. */
export const monthOf = (zone: DateTime.TimeZone, at: number): Span & { readonly month: string } => {
  const start = DateTime.startOf(DateTime.setZone(utc(at), zone), "month")
  const next = DateTime.startOf(DateTime.add(start, { months: 1 }), "month")
  return {
    month: DateTime.formatIsoDate(start).slice(0, 7),
    from: DateTime.toEpochMillis(start),
    to: DateTime.toEpochMillis(next)
  }
}

const utc = (at: number): DateTime.Utc => DateTime.unsafeMake(at)

const nameOf = (zone: DateTime.TimeZone, at: number): string => DateTime.formatIsoDate(DateTime.setZone(utc(at), zone))

/** Unix ms. `after`: so many days after a day. */
const timeOf = (text: string, zone: DateTime.TimeZone, after = 0): number | undefined => {
  const [, day = "", time] = written.exec(text) ?? []
  // There are parsers that read the 30th of February as a day of March.
  if (!isDay(day)) return undefined
  if (time !== undefined) {
    const at = Date.parse(text)
    return Number.isNaN(at) ? undefined : at
  }
  const midnight = DateTime.makeZoned(day, { timeZone: zone, adjustForTimeZone: true })
  return Option.getOrUndefined(Option.map(midnight, (at) => startOfDay(zone, DateTime.toEpochMillis(at), after)))
}

const written = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/

const isDay = (text: string): boolean => {
  const at = Date.parse(text)
  return !Number.isNaN(at) && new Date(at).toISOString().slice(0, 10) === text
}

const aTime = "a day, as 2026-01-31 is, or a time with its offset, as 2026-01-31T12:00:00Z is"

/** In days: a year, and a bit. */
const longest = 400

const dayMs = 86_400_000

const wrong = (param: keyof Given, message: string): Either.Either<never, WrongQuery> =>
  Either.left(new WrongQuery({ param, message }))
