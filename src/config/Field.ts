import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Money from "../domain/Money.js"
import * as Decimal from "../domain/Decimal.js"

/**
 * The kinds of value that settings are written in, for the config file and the environment alike. `${VAR}` always fills in
 * text, so numbers and switches are understood as text too. Each has one description, which is what a wrong value is
 * answered with.
 */

const NumberOrText = Schema.Union(Schema.Number, Schema.String)

const milliseconds: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

const bytes: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30
}

/** V8's longest string is just under 512 MiB, and a body may be held as one. */
const maxSize = 256 * 2 ** 20

/** Text that is not empty. */
export const Text = Schema.String.pipe(Schema.minLength(1)).annotations({
  description: "text that is not empty, in quotes if it looks like a number"
})

/** The name of an instance: it goes into headers and stands before the slash in `instance/model`. */
export const InstanceId = Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)).annotations({
  description: "a name of up to 64 letters, digits, `.`, `_` and `-`"
})

/** Whom a limit holds: everybody together, each caller, or the callers of one key, user or tenant, or of each. */
export const LimitScope = Schema.String.pipe(
  Schema.pattern(/^(?:global|caller|(?:key|user|tenant):[^\p{Cc}]{1,256})$/u)
).annotations({ description: "global, caller, or key:, user: or tenant: with an id or *" })

/** A switch. */
export const Flag = leaf(Schema.Union(Schema.Boolean, Schema.String), Schema.Boolean, "true or false", (input) => {
  if (typeof input === "boolean") return Option.some(input)
  const word = input.trim().toLowerCase()
  if (["true", "1", "yes", "on"].includes(word)) return Option.some(true)
  return ["false", "0", "no", "off"].includes(word) ? Option.some(false) : Option.none()
})

/** A number in a range, both ends included. */
export const number = (min: number, max: number) =>
  leaf(NumberOrText, Schema.Number, `a number from ${min} to ${max}`, (input) => numberIn(min, max, input))

/** A whole number in a range, both ends included. */
export const integer = (min: number, max: number) =>
  leaf(NumberOrText, Schema.Number, `a whole number from ${min} to ${max}`, (input) =>
    Option.filter(numberIn(min, max, input), Number.isSafeInteger)
  )

/** An amount of USD. Decimal text is kept as it is, since a double may not hold it. */
export const Price = leaf(NumberOrText, NumberOrText, "an amount in USD from 0 to 1000000, such as 2.5", (input) => {
  const text = Decimal.shifted(input, 0)
  return Option.filter(Option.some(input), () => text !== undefined && Number(text) <= 1e6)
})

export const Port = integer(0, 65_535)

/** A length of time with its unit, in ms. Node's timers overflow at 24.8 days, so a day is the most. */
export const duration = (min: "0ms" | "1ms" | "100ms") =>
  leaf(Schema.String, Schema.Number, `a duration from ${min} to 24h with its unit: 250ms, 5s, 2m or 1h`, (input) =>
    withUnit(input, milliseconds).pipe(Option.filter((ms) => ms >= Number.parseInt(min, 10) && ms <= 86_400_000))
  )

const databaseUrl = "a URL such as postgres://user:password@host:5432/database, or none"

/** A size in bytes. */
export const Size = leaf(NumberOrText, Schema.Number, "a size from 1 to 256MiB: 10MiB, 1KiB, 5MB or bytes", (input) =>
  Option.orElse(numberIn(1, maxSize, input), () => withUnit(String(input), bytes)).pipe(
    Option.filter((size) => Number.isSafeInteger(size) && size >= 1 && size <= maxSize)
  )
)

/** Where an instance listens, without trailing slashes. */
export const BaseUrl = leaf(
  Schema.String,
  Schema.String,
  "an http or https URL without credentials, query or fragment",
  (input) => {
    const url = input.trim()
    if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return Option.none()
    const parsed = new URL(url)
    const bare = parsed.username === "" && parsed.password === "" && !/[?#]/.test(url)
    return bare ? Option.some(url.replace(/\/+$/, "")) : Option.none()
  }
)

/** A key. Blanks around it, as a pasted one has, are dropped; what no header can carry is refused. May be empty. */
export const Secret = Schema.Redacted(
  leaf(Schema.String, Schema.String, "a key in printable ASCII without spaces", (input) =>
    Option.filter(Option.some(input.trim()), (key) => /^[\x21-\x7e]*$/.test(key))
  )
).annotations({ description: "a key in printable ASCII without spaces" })

/** Where Postgres listens, or `none`. It holds a password, so it is never shown. */
export const DatabaseUrl = Schema.Redacted(
  leaf(Schema.String, Schema.String, databaseUrl, (input) =>
    Option.filter(
      Option.some(input.trim()),
      (url) => url === "none" || (/^postgres(?:ql)?:\/\//i.test(url) && URL.canParse(url))
    )
  )
).annotations({ description: databaseUrl })

/** One of a few words. */
export const word = <const Words extends readonly [string, ...ReadonlyArray<string>]>(...words: Words) =>
  Schema.Literal(...words).annotations({
    description: words.length === 1 ? words[0] : `one of ${words.join(", ")}`
  })

export const LogLevel = anyCase("trace", "debug", "info", "warn", "error", "fatal", "silent")

export const LogFormat = anyCase("pretty", "json")

/** Azure's version of its API, for example `2024-10-21` or `2025-04-01-preview`. */
export const ApiVersion = Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9.-]{1,32}$/)).annotations({
  description: "a version of Azure's API such as 2024-10-21"
})

/** The name of a header, in lower case. */
export const HeaderName = Schema.compose(
  Schema.Lowercase,
  Schema.String.pipe(Schema.pattern(/^[a-z0-9][a-z0-9-]{0,63}$/))
).annotations({ description: "the name of a header such as x-session-id" })

/** The id of a Cloudflare account. */
export const AccountId = Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9_-]{1,64}$/)).annotations({
  description: "the id of a Cloudflare account: letters and digits"
})

/** An amount of US dollars, exact: no number of a computer is 0.1. */
export const Dollars = leaf(
  NumberOrText,
  Schema.typeSchema(Money.Money),
  "an amount of US dollars such as 10 or 0.25",
  (input) => Option.filter(Option.fromNullable(Money.fromText(String(input).trim())), (amount) => amount >= 0n)
)

/** Whose budget it is. */
export const BudgetScope = Schema.String.pipe(
  Schema.pattern(/^(?:global|(?:provider|instance|model|user|key):\S.{0,255})$/)
).annotations({
  description: "global, or provider:, instance:, model:, user: or key: and whose it is, * for one each"
})

/** As `Europe/Berlin`. */
export const TimeZone = Schema.String.pipe(
  Schema.filter((name) => Option.isSome(DateTime.zoneMakeNamed(name)))
).annotations({ description: "a time zone such as UTC or Europe/Berlin" })

function leaf<A, I>(
  from: Schema.Schema<I>,
  to: Schema.Schema<A>,
  description: string,
  parse: (input: I) => Option.Option<A>
): Schema.Schema<A, I> {
  return Schema.transformOrFail(from, to, {
    strict: true,
    decode: (input, _, ast) =>
      Option.match(parse(input), {
        onNone: () => ParseResult.fail(new ParseResult.Type(ast, input)),
        onSome: ParseResult.succeed
      }),
    encode: (value, _, ast) => ParseResult.fail(new ParseResult.Forbidden(ast, value, "settings are only read"))
  }).annotations({ description })
}

/** One of a few words, in upper or lower case: variables are often shouted. */
function anyCase<const Words extends readonly [string, ...ReadonlyArray<string>]>(...words: Words) {
  return Schema.compose(Schema.Lowercase, Schema.Literal(...words), { strict: false }).annotations({
    description: `one of ${words.join(", ")}`
  })
}

function numberIn(min: number, max: number, input: number | string): Option.Option<number> {
  if (typeof input === "string" && !/^\s*-?\d+(\.\d+)?\s*$/.test(input)) return Option.none()
  return Option.filter(Option.some(Number(input)), (value) => value >= min && value <= max)
}

function withUnit(input: string, units: Readonly<Record<string, number>>): Option.Option<number> {
  const [, amount = "", unit = ""] = /^(\d+(?:\.\d+)?)([A-Za-z]+)$/.exec(input.trim()) ?? []
  const factor = units[unit]
  return factor === undefined ? Option.none() : Option.some(Math.round(Number(amount) * factor))
}
