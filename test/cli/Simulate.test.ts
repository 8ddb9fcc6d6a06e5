import { assert, describe, it } from "@effect/vitest"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { run, type Ran } from "./running.js"

const text = `
name: Twenty minutes
seed: 4
duration: 20m
arrivals: { rate: 1 }
requests: { model: m, streamed: 0.5, promptTokens: 1000, answerTokens: 100 }
variants:
  - { name: with a breaker, config: {} }
  - { name: without, config: { circuitBreaker: { failureThreshold: 1000 } } }
config:
  circuitBreaker: { jitter: 0 }
  instances:
    - { id: first, provider: simulated, pricing: { prompt: 1, completion: 2 } }
    - { id: second, provider: simulated, pricing: { prompt: 2, completion: 4 } }
  models:
    - { id: m, targets: [{ instance: first, model: x }, { instance: second, model: x }] }
behaviours:
  first: { firstToken: { p50: 300ms, p99: 1s }, tokenInterval: 1ms }
  second: { firstToken: { p50: 300ms, p99: 1s }, tokenInterval: 1ms }
timeline:
  - { at: 5m, for: 5m, instance: first, outage: 503 }
`

const file = (content: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const path = join(mkdtempSync(join(tmpdir(), "orelse-simulate-")), "scenario.yaml")
      writeFileSync(path, content)
      return path
    }),
    (path) => Effect.sync(() => rmSync(join(path, ".."), { recursive: true }))
  )

const failure = ({ exit }: Ran): unknown =>
  Exit.isFailure(exit) ? Cause.squash(exit.cause) : assert.fail("it did not fail")

describe("orelse simulate", () => {
  it.scoped("prints the comparison and a timeline of each, the same bytes each time", () =>
    Effect.gen(function* () {
      const path = yield* file(text)
      const { exit, printed } = yield* run("simulate", path)
      assert.isTrue(Exit.isSuccess(exit))
      const [title, , names, requests, availability, ...rest] = printed.split("\n")
      assert.strictEqual(title, "Twenty minutes: 20 min with seed 4")
      assert.match(names ?? "", /^ +with a breaker +without$/)
      assert.match(requests ?? "", /^requests +1,\d{3} +1,\d{3}$/)
      assert.match(availability ?? "", /^availability +100\.000 % +100\.000 %$/)
      assert.match(rest.join("\n"), /^calls a request +1\.00\d +1\.2\d\d$/m)
      assert.match(rest.join("\n"), /^cost +\d\.\d\d USD +\d\.\d\d USD$/m)
      assert.match(rest.join("\n"), /^cost an answer +0\.00\d{4} USD +0\.00\d{4} USD$/m)
      assert.notMatch(rest.join("\n"), /refused for budget/)
      assert.match(
        rest.join("\n"),
        /^00:05 +\d+ +0 +\d+ ms +\d+ ms +0 % +100 % +first: out \(503\); first: circuit opened$/m
      )
      assert.match(rest.join("\n"), /^00:10 +\d+ +0 .* first: out \(503\) ends/m)
      assert.strictEqual((yield* run("simulate", path)).printed, printed)
    })
  )

  it.scoped("prints something else for another seed", () =>
    Effect.gen(function* () {
      const path = yield* file(text)
      const one = yield* run("simulate", "--seed", "8", path)
      assert.include(one.printed, "with seed 8")
      const other = yield* run("simulate", "--seed", "9", path)
      assert.notStrictEqual(one.printed.replace("seed 8", "seed 9"), other.printed)
    })
  )

  it.scoped("prints JSON with --json, and compares with --strategy only what it names", () =>
    Effect.gen(function* () {
      const path = yield* file(text)
      const { printed } = yield* run("simulate", "--json", "--strategy", "priority", path)
      const report: unknown = JSON.parse(printed)
      assert.nestedInclude(report, {
        name: "Twenty minutes",
        seed: 4,
        duration_s: 1200,
        row_s: 60,
        "runs.length": 1,
        "runs[0].name": "priority",
        "runs[0].availability": 1,
        "runs[0].timeline.length": 20
      })
      assert.nestedProperty(report, "runs[0].served_by.second")
    })
  )

  it.scoped("names the line and the field of what is wrong with a scenario", () =>
    Effect.gen(function* () {
      const path = yield* file(text.replace("outage: 503", "outtage: 503").replace("rate: 1", "rate: fast"))
      const ran = yield* run("simulate", path)
      assert.strictEqual(ran.printed, "")
      assert.deepInclude(failure(ran), { source: path })
      assert.deepStrictEqual(String(failure(ran)).split("\n").slice(0, 3), [
        `ConfigError: ${path}: the scenario has 2 problems`,
        "  line 5: arrivals.rate: must be a number from 0 to 10000",
        "  line 21: timeline[0].outtage: is not a known field; did you mean outage?"
      ])
    })
  )

  it.scoped("takes a command line that it does not understand for one", () =>
    Effect.gen(function* () {
      const path = yield* file(text)
      const wrong = [
        ["--strategy", "fastest", path],
        ["--seed", "-1", path],
        ["--seed", "one", path],
        [join(path, "..", "nowhere.yaml")],
        []
      ]
      for (const args of wrong) {
        assert.isTrue(ValidationError.isValidationError(failure(yield* run("simulate", ...args))), args.join(" "))
      }
    })
  )
})

describe("README", () => {
  it.effect(
    "shows what orelse simulate prints",
    () =>
      Effect.gen(function* () {
        const readme = readFileSync("README.md", "utf8")
        const [, command = "", shown = ""] =
          /\n(node dist\/main\.js simulate [^\n]+)\n```\n```\n([^`]+)\n```/.exec(readme) ?? assert.fail("no example")
        const { printed } = yield* run(...command.split(" ").slice(2))
        const lines = printed.split("\n").map((line) => line.trimEnd())
        const kept = shown.split("\n").filter((line) => line !== "...")
        assert.isAtLeast(kept.length, 10)
        for (const line of kept) assert.include(lines, line)
      }),
    60_000
  )
})
