import * as Command from "@effect/cli/Command"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type { Exit } from "effect/Exit"
import * as Queue from "effect/Queue"
import { budgets } from "../../src/cli/Budgets.js"
import { costs } from "../../src/cli/Costs.js"
import { alerts } from "../../src/cli/Alerts.js"
import { doctor } from "../../src/cli/Doctor.js"
import { events } from "../../src/cli/Events.js"
import { explain } from "../../src/cli/Explain.js"
import { failover } from "../../src/cli/Failover.js"
import { models } from "../../src/cli/Models.js"
import { simulate } from "../../src/cli/Simulate.js"
import { stats } from "../../src/cli/Stats.js"

/** What a subcommand prints, and how it ends. */
export interface Ran {
  readonly exit: Exit<void, unknown>
  readonly printed: string
}

/** Runs the command line in this process to its end. */
export const run = (...args: ReadonlyArray<string>): Effect.Effect<Ran> =>
  Effect.gen(function* () {
    const said = yield* Queue.unbounded<string>()
    const exit = yield* Effect.exit(running(said, args))
    return { exit, printed: [...(yield* Queue.takeAll(said))].join("\n") }
  })

/** The command line, as it prints. */
export const running = (said: Queue.Enqueue<string>, args: ReadonlyArray<string>): Effect.Effect<void, unknown> =>
  Console.consoleWith((given) =>
    Command.run(orelse, { name: "orelse", version: "0" })(["node", "orelse", ...args]).pipe(
      Console.withConsole({
        ...given,
        log: (...texts) => Queue.offer(said, texts.join(" ")),
        error: () => Effect.void
      }),
      Effect.provide(NodeContext.layer)
    )
  )

const orelse = Command.make("orelse").pipe(
  Command.withSubcommands([costs, budgets, events, explain, stats, simulate, models, failover, doctor, alerts])
)
