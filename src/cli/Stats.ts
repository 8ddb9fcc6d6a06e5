import * as Command from "@effect/cli/Command"
import * as CliOptions from "@effect/cli/Options"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { ProvidersBody } from "../http/AdminBodies.js"
import * as Options from "./Options.js"
import * as Paint from "./Paint.js"
import * as Remote from "./Remote.js"
import * as Table from "./Table.js"

const watch = CliOptions.boolean("watch").pipe(
  CliOptions.withAlias("w"),
  CliOptions.withDescription("ask again every two seconds, until ctrl-C")
)

/** `orelse stats`: how the instances of a running gateway are. */
export const stats = Command.make("stats", { url: Options.url, json: Options.json, watch }, (options) =>
  Effect.gen(function* () {
    const gateway = yield* Remote.make(options.url)
    const paint = Paint.forStdout()
    const show = Effect.flatMap(gateway.get("/admin/providers", ProvidersBody), (found) =>
      Console.log(
        options.json ? JSON.stringify(found) : `${options.watch ? cleared() : ""}${lines(found, paint).join("\n")}`
      )
    )
    yield* options.watch ? Effect.repeat(show, Schedule.spaced("2 seconds")) : show
  })
).pipe(Command.withDescription("show how the instances of a running gateway are"))

/** A new picture in place of the old one, where a person looks. */
const cleared = (): string => (process.stdout.isTTY ? "\u001b[2J\u001b[H" : "")

/** A line an instance, then one for all of them. */
export const lines = (
  { disabled, instances, overall, unfit }: ProvidersBody,
  paint: Paint.Paint
): ReadonlyArray<string> => {
  const rows = [
    headings,
    ...instances.map((each) => [
      each.instance,
      each.provider,
      capital(each.status),
      each.circuit,
      String(each.consecutive_failures),
      each.retry_in_s === null ? "-" : `${each.retry_in_s} s`,
      each.error_rate === null ? "-" : `${Math.round(each.error_rate * 1000) / 10} %`,
      ...[each.latency_ms.p50, each.latency_ms.p95, each.latency_ms.p99].map(millis)
    ])
  ]
  const table = Table.lines(rows, (padded, row, column) => {
    const status = instances[row - 1]?.status
    return column === 2 && status !== undefined ? paint(status, padded) : padded
  })
  const { down, healthy, recovering, total } = overall
  const off = disabled.length === 0 ? [] : [`out of service: ${disabled.join(", ")}`]
  const wrong = unfit.map(({ instance, reason }) => `${instance}: ${reason}`)
  return [
    ...table,
    ...off,
    ...wrong,
    `overall: ${healthy} healthy, ${recovering} recovering, ${down} down, of ${total}`
  ]
}

const headings = [
  "instance",
  "provider",
  "status",
  "circuit",
  "failures",
  "retry in",
  "error rate",
  "p50",
  "p95",
  "p99"
]

const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1)

const millis = (ms: number | null): string => (ms === null ? "-" : `${Math.round(ms)} ms`)
