import * as Schema from "effect/Schema"
import * as Alert from "../domain/Alert.js"
import * as PlainText from "../domain/PlainText.js"
import { redact } from "../protocol/ErrorSignals.js"

/** An alert as it is kept and sent. Nothing in it is secret: what looks like a key is blotted out. */
export const AlertBody = Schema.Struct({
  /** The same at each try to deliver it: who gets one twice can tell. */
  id: Schema.String,
  /** A word of `alerts.webhooks[].events`, or `test`. */
  kind: Schema.String,
  /** ISO 8601. */
  at: Schema.String,
  /** A sentence. Names in it stand between backticks. */
  text: Schema.String,
  details: Schema.Record({
    key: Schema.String,
    value: Schema.Union(Schema.String, Schema.Number, Schema.Array(Schema.String))
  })
}).annotations({ identifier: "Alert" })
export type AlertBody = typeof AlertBody.Type

/** `at` is Unix ms. */
export const of = (alert: Alert.Alert, id: string, at: number): AlertBody => ({
  id,
  kind: alert.kind,
  at: new Date(at).toISOString(),
  text: sentence(alert),
  details: Object.fromEntries(
    Object.entries(Alert.detailsOf(alert)).map(([field, value]) => [
      field,
      typeof value === "string" ? clean(value) : value
    ])
  )
})

/** What an operator has sent to see whether it arrives. `at` is Unix ms. */
export const test = (id: string, at: number): AlertBody => ({
  id,
  kind: "test",
  at: new Date(at).toISOString(),
  text: "this is a test; nothing has happened",
  details: {}
})

/** The name of what an alert is about, the same for all that say the same. */
export const subjectOf = (kind: Alert.AlertKind, about: ReadonlyArray<string>): string =>
  JSON.stringify([kind, ...about.map(clean)])

const sentence = (alert: Alert.Alert): string => {
  switch (alert.kind) {
    case "circuit_open": {
      const whose = alert.model === undefined ? alert.instance : `${alert.instance}/${alert.model}`
      return `${name(whose)} is not asked any more after ${alert.failures} failures in a row${again(alert.retryIn)}`
    }
    case "key_out":
      return `the key of ${name(alert.instance)} is refused, or its quota is spent${again(alert.retryIn)}`
    case "fallback_exhausted":
      return alert.categories.length === 0
        ? `nobody could be asked for ${name(alert.model)}: all who serve it are out`
        : `nobody answered a request for ${name(alert.model)} (${alert.categories.join(", ")})`
    case "budget_threshold": {
      const { limit_usd, resets_at, spent_usd } = Alert.detailsOf(alert)
      const until = resets_at === undefined ? "" : `; it begins anew at ${String(resets_at)}`
      if (alert.refuses) {
        return `the ${alert.period} budget of ${name(alert.scope)} refuses calls: ${String(spent_usd)} of ${String(limit_usd)} USD is spent, and what is left is less than they may cost${until}`
      }
      return `the ${alert.period} budget of ${name(alert.scope)} is spent to ${alert.percent} %: ${String(spent_usd)} of ${String(limit_usd)} USD${until}`
    }
    case "price_unknown":
      return `nobody knows what ${name(alert.model)} costs at ${name(alert.instance)}, so its calls are counted without a cost; set its pricing`
    case "store_trouble":
      return troubles[alert.store][alert.trouble]
  }
}

const troubles = {
  database: {
    down: "the database does not answer; what is to be kept waits in the journal",
    read_only: "the database is read-only; what is to be kept waits in the journal",
    full: "the database is full; what is to be kept waits in the journal"
  },
  journal: {
    down: "the journal cannot be written; what is to be kept is lost",
    read_only: "the journal cannot be written; what is to be kept is lost",
    full: "the journal takes nothing any more, or lost something: its disk is full, or the database is away for too long"
  }
}

const again = (seconds: number | undefined): string =>
  seconds === undefined ? "" : `; it is tried again in ${seconds} s`

/** Some names come from callers: between backticks they are neither a link nor a mention in a chat. */
const name = (text: string): string => `\`${clean(text)}\``

const clean = (text: string): string => PlainText.of(redact(PlainText.of(text, longestRead))).replaceAll("`", "'")

/** Of a longer name the rest is not looked at. */
const longestRead = 1_024
