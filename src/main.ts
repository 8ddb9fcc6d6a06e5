#!/usr/bin/env node
import * as Command from "@effect/cli/Command"
import * as ValidationError from "@effect/cli/ValidationError"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { budgets } from "./cli/Budgets.js"
import { costs } from "./cli/Costs.js"
import { alerts } from "./cli/Alerts.js"
import { cache } from "./cli/Cache.js"
import { doctor } from "./cli/Doctor.js"
import { events } from "./cli/Events.js"
import { explain } from "./cli/Explain.js"
import { failover } from "./cli/Failover.js"
import { migrate } from "./cli/Migrate.js"
import { models } from "./cli/Models.js"
import { simulate } from "./cli/Simulate.js"
import { start } from "./cli/Start.js"
import { stats } from "./cli/Stats.js"
import { test } from "./cli/Test.js"
import { version } from "./config/Version.js"

const orelse = Command.make("orelse").pipe(
  Command.withDescription("An LLM gateway that always answers: this, or else that."),
  Command.withSubcommands([
    start,
    test,
    stats,
    costs,
    budgets,
    events,
    explain,
    failover,
    simulate,
    migrate,
    doctor,
    models,
    alerts,
    cache
  ])
)

/** 0 is done, 1 is failed, 2 is a command line that cannot be understood. */
const exitCode = <A, E>(exit: Exit.Exit<A, E>): number => {
  if (Exit.isSuccess(exit) || Cause.isInterruptedOnly(exit.cause)) return 0
  return ValidationError.isValidationError(Cause.squash(exit.cause)) ? 2 : 1
}

/** The CLI has shown what is wrong with a command line; everything else is said here, a defect with all it has. */
const complain = <E>(cause: Cause.Cause<E>): Effect.Effect<void> =>
  Effect.sync(() => {
    if (Cause.isInterruptedOnly(cause)) return
    const error = Cause.squash(cause)
    if (ValidationError.isValidationError(error)) return
    const known = Cause.isFailure(cause) && error instanceof Error
    const text = known ? error.message : Cause.pretty(cause)
    if (text !== "") process.stderr.write(`${text}\n`)
  })

/**
 * The first signal is runMain's, which listens no more after it. A ctrl-C under npm comes twice, from the terminal and from
 * npm, and is one wish; a signal that comes later than this many ms is a second one, and kills.
 */
const sameWish = 1_000

const takeOneWishForOne = (): void => {
  let firstAt: number | undefined = undefined
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      firstAt ??= performance.now()
      if (performance.now() - firstAt < sameWish) return
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    })
  }
}

takeOneWishForOne()

Command.run(orelse, { name: "orelse", version })(process.argv).pipe(
  Effect.tapErrorCause(complain),
  Effect.provide(NodeContext.layer),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    disablePrettyLogger: true,
    teardown: (exit, onExit) => onExit(exitCode(exit))
  })
)
