import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { refusing } from "../support/upstream.js"
import { shell } from "./support/command.js"
import { serve, type Serving } from "./support/gateway.js"
import { load, quantile, times, type Answered } from "./support/load.js"
import * as Provider from "./support/provider.js"

/** One way in which the first provider of a chain is dead. */
interface Death {
  readonly name: string
  /** `undefined`: nobody listens. */
  readonly behaviour: Provider.Behaviour | undefined
  /** Where only a stream can die like that. */
  readonly stream: boolean
  readonly requests: number
}

const deaths: ReadonlyArray<Death> = [
  { name: "refuses connections", behaviour: undefined, stream: false, requests: 10_000 },
  { name: "answers 500", behaviour: Provider.fails(500), stream: false, requests: 10_000 },
  { name: "is overloaded (529) in a stream", behaviour: Provider.overloadedInStream, stream: true, requests: 10_000 },
  { name: "hangs before its first token", behaviour: Provider.hangs, stream: true, requests: 2_500 },
  { name: "closes its streams without an end", behaviour: Provider.endsEarly, stream: true, requests: 10_000 }
]

/** The load is measured in so many rounds, without the dead primary and with it in turn. */
const rounds = 4

const connections = 8

const config = (well: Provider.Provider, dead: Provider.Provider | undefined) => {
  const of = (id: string, baseUrl: string) => ({
    id,
    provider: "openai-compatible",
    baseUrl,
    apiKey: "sk-test",
    timeouts: { firstToken: "300ms" }
  })
  const target = (instance: string) => ({ instance, model: "m" })
  return JSON.stringify({
    instances: [of("dead", dead?.url ?? refusing.url), of("well", well.url)],
    models: [
      { id: "chain", targets: [target("dead"), target("well")] },
      { id: "alone", targets: [target("well")] }
    ],
    health: { checkOnStart: false },
    log: { level: "error", format: "json" }
  })
}

const isServed = ({ complete, instance, status }: Answered): boolean =>
  status === 200 && complete && instance === "well"

const p99 = (answers: ReadonlyArray<Answered>): number =>
  quantile(
    answers.map(({ ms }) => ms),
    0.99
  )

/** In KiB. */
const memoryOf = ({ pid }: Serving): Effect.Effect<number> => Effect.map(shell(`ps -o rss= -p ${pid}`), Number)

describe("a chain of two whose first provider", () => {
  for (const death of deaths) {
    it.scopedLive(`${death.name} serves ${death.requests} requests, and adds less than 5 ms to their p99`, () =>
      Effect.gen(function* () {
        const well = yield* Provider.make()
        const dead = death.behaviour === undefined ? undefined : yield* Provider.make(death.behaviour)
        const gateway = yield* serve({ files: { "orelse.yaml": config(well, dead) } }, ["--config", "orelse.yaml"])
        const goesOn = times(death.requests / (rounds + 1))
        const ask = (model: string) => load(gateway.url, { model, stream: death.stream, connections, goesOn })

        // What opens the circuit, and warms both ways up.
        const answers = [...(yield* ask("chain"))]
        yield* ask("alone")
        const [calls, memory] = [dead?.calls, yield* memoryOf(gateway)]

        const [alone, chained]: [Array<number>, Array<number>] = [[], []]
        for (let round = 1; round <= rounds; round++) {
          alone.push(p99(yield* ask("alone")))
          const served = yield* ask("chain")
          chained.push(p99(served))
          answers.push(...served)
          // The circuit is open, so the dead one is not asked at all.
          assert.deepStrictEqual(
            served.filter(({ attempts }) => attempts !== 1),
            []
          )
        }
        assert.strictEqual(dead?.calls, calls)
        assert.strictEqual(answers.length, death.requests)
        assert.deepStrictEqual(
          answers.filter((answer) => !isServed(answer)),
          []
        )
        // Others use the machine as well: the quietest round of each tells what the gateway itself takes.
        const added = Math.min(...chained) - Math.min(...alone)
        assert.isBelow(added, 5, `p99 in ms with the dead one: ${chained.join(", ")}; without: ${alone.join(", ")}`)
        assert.isBelow((yield* memoryOf(gateway)) - memory, 150 * 1024)
      })
    )
  }
})
