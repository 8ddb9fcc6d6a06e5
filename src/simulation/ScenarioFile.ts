import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { optional, or } from "../config/ConfigFile.js"
import * as Field from "../config/Field.js"
import * as Issue from "../config/Issue.js"

const tokens = Field.integer(1, 1_000_000)

/** A time, or its median and 99th percentile. */
const Times = Schema.Union(
  Field.duration("0ms"),
  Schema.Struct({ p50: Field.duration("1ms"), p99: Field.duration("1ms") })
).annotations({ description: "a duration, or its median and 99th percentile: { p50: 400ms, p99: 3s }" })

/** A number of tokens, or its median and 99th percentile. */
const Tokens = Schema.Union(tokens, Schema.Struct({ p50: tokens, p99: tokens })).annotations({
  description: "a number of tokens from 1 to 1000000, or its median and 99th percentile: { p50: 200, p99: 3000 }"
})

const rate = Field.number(0, 10_000)

/** Requests a second; exactly one of the three. */
const Arrivals = Schema.Struct({
  rate: optional(rate),
  /** Each step holds until the next one. */
  steps: optional(Schema.NonEmptyArray(Schema.Struct({ at: Field.duration("0ms"), rate }))),
  /** A wave with a period of 24 h. */
  daily: optional(Schema.Struct({ low: rate, peak: rate, peakAt: or(Field.duration("0ms"), 14 * 3_600_000) }))
})

const Requests = Schema.Struct({
  model: Field.Text,
  /** Share of them that ask for a stream. */
  streamed: or(Field.number(0, 1), 0.5),
  promptTokens: or(Tokens, { p50: 300, p99: 4_000 }),
  answerTokens: or(Tokens, { p50: 150, p99: 900 }),
  /** Sent as `max_tokens`: no answer is longer, and a hard budget knows what a call may cost. Absent: no bound is sent. */
  maxTokens: optional(tokens),
  /** So many people, each of whom asks as much as another; absent: nobody is named. */
  users: optional(Field.integer(1, 1_000_000)),
  /** After it the caller hangs up, whatever has come of the answer. Absent: never. */
  patience: optional(Field.duration("1ms"))
})

const Behaviour = Schema.Struct({
  /** To the first token. Absent: the `simulated.latency` of the instance. */
  firstToken: optional(Times),
  /** Between two tokens. Absent: the `simulated.tokenInterval` of the instance. */
  tokenInterval: optional(Field.duration("0ms")),
  /** To an answer that is only an error. */
  errorLatency: or(Field.duration("0ms"), 50),
  /** Answers that are made at a time; whoever comes then waits in line. Absent: no limit. */
  concurrency: optional(Field.integer(1, 1_000)),
  /** Calls of each minute that are let in; the others get a 429 that names the end of the minute. Absent: no limit. */
  requestsPerMinute: optional(Field.integer(0, 10_000_000)),
  /** Does each answer say what is left of that, in OpenAI's headers? */
  rateLimitHeaders: or(Field.Flag, true)
})

const outages = ["refused", "hang", 500, 503] as const
const Outage = Schema.Literal(...outages).annotations({ description: `one of ${outages.join(", ")}` })
const True = Schema.Literal(true).annotations({ description: "true" })

/** Something that happens to an instance: exactly one of the fields after `instance`. */
const Event = Schema.Struct({
  at: Field.duration("0ms"),
  /** Absent: until the end. */
  for: optional(Field.duration("1ms")),
  instance: Field.InstanceId,
  /** Nobody is answered. */
  outage: optional(Outage),
  /** Well and out in turn. */
  flap: optional(Schema.Struct({ up: Field.duration("1ms"), down: Field.duration("1ms"), how: or(Outage, 503) })),
  /** Calls of each minute that are let in; the others get a 429, with or without the end of the minute. */
  rateLimit: optional(
    Schema.Struct({ requestsPerMinute: Field.integer(0, 10_000_000), retryAfter: or(Field.Flag, true) })
  ),
  /** Everything takes longer, growing evenly to this factor over the time, or else over the whole event. */
  slow: optional(Schema.Struct({ factor: Field.number(1, 10_000), over: optional(Field.duration("0ms")) })),
  /** 401. */
  keyRevoked: optional(True),
  /** 429 of an account without money. */
  quotaSpent: optional(True),
  /** A share of calls fails. */
  errors: optional(Schema.Struct({ share: Field.number(0, 1), how: or(Outage, 500) })),
  /** Share of streams that lose the connection in their middle. */
  breaks: optional(Field.number(0, 1)),
  /** Share of answers that are no JSON, or a stream that says nothing. */
  malformed: optional(Field.number(0, 1))
})

/** A further way to run it. */
const Variant = Schema.Struct({ name: Field.Text, config: Schema.Unknown })

/** A scenario file, as it is decoded. Durations become ms. */
export const ScenarioFile = Schema.Struct({
  name: or(Field.Text, "scenario"),
  seed: or(Field.integer(0, 4_294_967_295), 1),
  duration: Field.duration("1ms"),
  /** The time of the day at which it starts, in UTC. */
  start: or(Field.duration("0ms"), 0),
  arrivals: Arrivals,
  requests: Requests,
  /** Values of `routing.strategy` to compare. Absent: the one of `config`. */
  strategies: optional(Schema.NonEmptyArray(Field.Text)),
  /** Compared beside them: what is different in `config`. */
  variants: or(Schema.Array(Variant), []),
  /** In the form of the config file, with instances of provider `simulated`. */
  config: Schema.Unknown,
  behaviours: or(Schema.Record({ key: Schema.String, value: Behaviour }), {}),
  timeline: or(Schema.Array(Event), [])
})
export type ScenarioFile = typeof ScenarioFile.Type

export type ArrivalFields = typeof Arrivals.Type
export type BehaviourFields = typeof Behaviour.Type
export type EventFields = typeof Event.Type
export type OutageKind = typeof Outage.Type

export const decode = (value: unknown): Either.Either<ScenarioFile, ReadonlyArray<Issue.Issue>> =>
  Either.mapLeft(
    ParseResult.decodeUnknownEither(ScenarioFile, { errors: "all", onExcessProperty: "ignore" })(value),
    (issue) => Issue.fromParseIssue(issue)
  )
