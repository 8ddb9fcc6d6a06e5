import * as Command from "@effect/cli/Command"
import * as CliOptions from "@effect/cli/Options"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { AlertsBody, AlertsTestBody } from "../http/AlertsApi.js"
import { Failed } from "./Failed.js"
import * as Options from "./Options.js"
import * as Remote from "./Remote.js"
import * as Table from "./Table.js"

const limit = CliOptions.integer("limit").pipe(
  CliOptions.withAlias("n"),
  CliOptions.withDescription("how many of the latest, up to 1000; otherwise 100"),
  CliOptions.withDefault(100)
)

const test = CliOptions.boolean("test").pipe(
  CliOptions.withDescription("post a test to every webhook of the running gateway, and say how each took it")
)

/** `orelse alerts`: what a running gateway told its operators, and whether it arrived. */
export const alerts = Command.make("alerts", { url: Options.url, json: Options.json, limit, test }, (options) =>
  Effect.gen(function* () {
    const gateway = yield* Remote.make(options.url)
    if (!options.test) {
      const found = yield* gateway.get(`/admin/alerts?limit=${options.limit}`, AlertsBody)
      return yield* Console.log(options.json ? JSON.stringify(found) : lines(found).join("\n"))
    }
    const tested = yield* gateway.post("/admin/alerts/test", {}, AlertsTestBody)
    yield* Console.log(options.json ? JSON.stringify(tested) : testLines(tested).join("\n"))
    if (tested.webhooks.some(({ ok }) => !ok)) return yield* new Failed({ message: "not every webhook took the test" })
  })
).pipe(Command.withDescription("show what a running gateway told its operators, and whether it arrived"))

/** A line an alert, the latest last, as in a log. */
export const lines = ({ alerts: rows, undelivered }: AlertsBody): ReadonlyArray<string> =>
  rows.length === 0
    ? ["nothing was told"]
    : [
        ...Table.lines([
          ["time", "event", "what", "delivered"],
          ...rows.toReversed().map(({ at, deliveries, kind, text }) => [at, kind, text, fate(deliveries)])
        ]),
        ...(undelivered === 0 ? [] : [`still to be delivered: ${undelivered}`])
      ]

const fate = (deliveries: AlertsBody["alerts"][number]["deliveries"]): string =>
  deliveries.length === 0
    ? "to nobody"
    : deliveries
        .map(({ attempts, problem, state, webhook }) =>
          state === "delivered"
            ? `to ${webhook}`
            : `${state === "failed" ? "not" : "not yet"} to ${webhook}${problem === null ? "" : ` (${attempts} tries: ${problem})`}`
        )
        .join(", ")

/** A line a webhook. */
export const testLines = ({ webhooks }: AlertsTestBody): ReadonlyArray<string> =>
  webhooks.length === 0
    ? ["there are no webhooks: set alerts.webhooks in the config file"]
    : webhooks.map(
        ({ message, ms, ok, webhook }) => `${webhook}: ${ok ? "it took the test" : (message ?? "it failed")}, ${ms} ms`
      )
