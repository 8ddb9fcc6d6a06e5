import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { ScenarioFile } from "../../src/simulation/ScenarioFile.js"
import * as Report from "../../src/simulation/Report.js"
import * as Scenario from "../../src/simulation/Scenario.js"
import * as Simulation from "../../src/simulation/Simulation.js"
import type { Ended } from "../../src/simulation/Callers.js"

/** Of the scenario below. */
export const file = {
  config: {
    circuitBreaker: { jitter: 0 },
    instances: ["a", "b"].map((id) => ({ id, provider: "simulated", pricing: { prompt: 1, completion: 2 } })),
    models: [{ id: "m", targets: ["a", "b"].map((id) => ({ instance: id, model: "x" })) }]
  }
}

/** Ten minutes of whole answers of 100 tokens, one a second, by `a` or else by `b`; both take 100 ms and 1 ms a token. */
export const scenario = (changes: Partial<typeof ScenarioFile.Encoded> = {}): Scenario.Scenario =>
  Either.getOrThrowWith(
    Scenario.parse(
      JSON.stringify({
        seed: 1,
        duration: "10m",
        arrivals: { rate: 1 },
        requests: asking(),
        config: file.config,
        behaviours: {
          a: { firstToken: "100ms", tokenInterval: "1ms" },
          b: { firstToken: "100ms", tokenInterval: "1ms" }
        },
        ...changes
      })
    ),
    (problems) => new Error(JSON.stringify(problems))
  )

export const asking = (changes: Partial<(typeof ScenarioFile.Encoded)["requests"]> = {}) => ({
  model: "m",
  streamed: 0,
  promptTokens: 1_000,
  answerTokens: 100,
  ...changes
})

/** Its report with its first configuration. */
export const reported = (made: Scenario.Scenario) =>
  Effect.map(
    Report.make(made, () => Effect.void),
    ({ runs: [only], ...report }) => {
      if (only === undefined) throw new Error("nothing was compared")
      return { ...report, ...only }
    }
  )

/** Everything that ended in it, and what was left of it. */
export const run = (made: Scenario.Scenario) =>
  Effect.gen(function* () {
    const ended: Array<Ended> = []
    const [only] = made.compared
    if (only === undefined) throw new Error("nothing to run")
    const left = yield* Simulation.run(made, only, { ended: (one) => ended.push(one), circuit: () => {} })
    return { ended, left }
  })
