import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import { readdirSync, readFileSync } from "node:fs"
import * as Report from "../../src/simulation/Report.js"
import { ScenarioFile } from "../../src/simulation/ScenarioFile.js"
import * as Scenario from "../../src/simulation/Scenario.js"

const good = `
seed: 3
duration: 1h
arrivals: { rate: 2 }
requests: { model: m }
config:
  instances:
    - { id: a, provider: simulated }
    - { id: b, provider: simulated }
  models:
    - { id: m, targets: [{ instance: a, model: x }, { instance: b, model: y }] }
behaviours:
  a: { firstToken: { p50: 400ms, p99: 3s }, tokenInterval: 10ms }
timeline:
  - { at: 10m, for: 5m, instance: a, outage: 503 }
`

const parsed = (text: string, overrides?: Scenario.Overrides) =>
  Either.getOrThrowWith(Scenario.parse(text, overrides), (problems) => new Error(JSON.stringify(problems)))

/** What is said of the good scenario when one text in it is another. */
const problems = (from: string, to: string): ReadonlyArray<string> => {
  assert.include(good, from)
  return Either.match(Scenario.parse(good.replace(from, to)), {
    onLeft: (found) => found.map(({ line, message, path }) => `${line ?? "?"} ${path}: ${message}`),
    onRight: () => []
  })
}

describe("a scenario", () => {
  it("is run with its own strategy where nothing is compared", () => {
    const { compared, seed, timeline } = parsed(good)
    assert.deepStrictEqual(
      compared.map(({ name }) => name),
      ["priority"]
    )
    assert.strictEqual(seed, 3)
    assert.deepStrictEqual(timeline, [{ at: 600_000, for: 300_000, instance: "a", outage: 503 }])
  })

  it("compares strategies, and variants that change the configuration elsewhere", () => {
    const text = `${good}
strategies: [priority]
variants:
  - { name: hasty, config: { routing: { deadline: 5s }, circuitBreaker: { failureThreshold: 1 } } }
`
    const { compared } = parsed(text)
    assert.deepStrictEqual(
      compared.map(({ name, settings }) => [name, settings.routing.deadline, settings.circuitBreaker.failureThreshold]),
      [
        ["priority", 120_000, 3],
        ["hasty", 5_000, 1]
      ]
    )
    assert.deepStrictEqual(
      parsed(text, { strategies: ["priority"] }).compared.map(({ name }) => name),
      ["priority"]
    )
  })

  it("may get another seed", () => {
    assert.strictEqual(parsed(good, { seed: 9 }).seed, 9)
  })

  it.each<readonly [string, string, string]>([
    ["seed: 3", "sed: 3", "2 sed: is not a known field; did you mean seed?"],
    ["duration: 1h", "", "2 duration: is required"],
    ["1h", "25h", "3 duration: must be a duration from 1ms to 24h with its unit: 250ms, 5s, 2m or 1h"],
    ["{ rate: 2 }", "{}", "4 arrivals: must hold exactly one of rate, steps and daily"],
    [
      "{ rate: 2 }",
      "{ rate: 2, daily: { low: 1, peak: 2 } }",
      "4 arrivals: must hold exactly one of rate, steps and daily"
    ],
    ["{ rate: 2 }", "{ daily: { low: 3, peak: 2 } }", "4 arrivals.daily.low: must not be more than peak"],
    [
      "{ rate: 2 }",
      "{ steps: [{ at: 1m, rate: 1 }, { at: 1m, rate: 2 }] }",
      "4 arrivals.steps[1].at: must be later than the step before"
    ],
    ["{ rate: 2 }", "{ rate: 2000 }", "4 arrivals: may be 7200000 requests in all; a simulation takes 5000000 at most"],
    [
      "p99: 3s",
      "p99: 3",
      "13 behaviours.a.firstToken: must be a duration, or its median and 99th percentile: { p50: 400ms, p99: 3s }"
    ],
    ["p99: 3s", "p99: 3ms", "13 behaviours.a.firstToken.p99: must not be less than p50"],
    ["p99: 3s", "p99: 3s, p90: 1s", "13 behaviours.a.firstToken.p90: is not a known field; did you mean p50?"],
    ["  a: {", "  aa: {", "13 behaviours.aa: no instance is called aa; did you mean a?"],
    ["outage: 503", "outage: 504", "15 timeline[0].outage: must be one of refused, hang, 500, 503"],
    ["outage: 503", "outages: 503", "15 timeline[0].outages: is not a known field; did you mean outage?"],
    ["outage: 503", "breaks: 2", "15 timeline[0].breaks: must be a number from 0 to 1"],
    ["at: 10m", "at: 90m", "15 timeline[0].at: is not before the end of the scenario"],
    ["instance: a, outage", "instance: c, outage", "15 timeline[0].instance: no instance is called c; did you mean a?"],
    [
      "id: a, provider: simulated",
      "id: a, provider: ollama",
      "8 config.instances[0].provider: must be simulated: a simulation calls nobody"
    ],
    [
      "id: a, provider: simulated",
      "id: a, provider: simulated, priorty: 2",
      "8 config.instances[0].priorty: is not a known field; did you mean priority?"
    ],
    [
      "instance: b, model: y",
      "instance: d, model: y",
      "11 config.models[0].targets[1].instance: no instance is called d; did you mean a?"
    ],
    [
      "seed: 3",
      "strategies: [fastest]",
      "2 strategies[0]: must be one of priority, round-robin, weighted, least-latency, cost-optimized, least-busy"
    ],
    [
      "seed: 3",
      "variants: [{ name: x, config: { routing: { deadline: 5 } } }]",
      "2 variants[0].config.routing.deadline: must be a duration from 1ms to 24h with its unit: 250ms, 5s, 2m or 1h"
    ],
    ["seed: 3", "strategies: [priority, priority]", "2 strategies[0]: the name priority is taken already"]
  ])("says what is wrong with it, and where: %s -> %s", (from, to, expected) => {
    assert.include(problems(from, to), expected)
  })

  it("needs exactly one thing that happens in an event", () => {
    for (const wrong of ["", "outage: 503, breaks: 0.5"]) {
      const [found = ""] = problems("outage: 503", wrong)
      assert.match(found, /^15 timeline\[0\]: outage, flap, .* say what happens: exactly one must be there$/)
    }
  })

  it("asks for a model that somebody serves", () => {
    const text = good
      .replaceAll("provider: simulated", "provider: simulated, models: [z]")
      .replace("model: m }", "model: q }")
    const found = Either.flip(Scenario.parse(text)).pipe(Either.getOrThrow)
    assert.deepStrictEqual(found, [{ path: "requests.model", message: "no instance serves the model q", line: 5 }])
  })

  it("needs instances of its own: a simulation knows no environment", () => {
    assert.deepStrictEqual(problems("instances:", "instance_s:").slice(-1), [
      "6 config.instances: must hold an instance or more, each of provider simulated"
    ])
  })

  it("tells of everything at once", () => {
    const text = good.replace("seed: 3", "sed: 3").replace("outage: 503", "outage: 504").replace("id: a,", "id: '',")
    const found = Either.match(Scenario.parse(text), {
      onLeft: (all) => all.map(({ path }) => path),
      onRight: () => []
    })
    assert.includeMembers(found, ["sed", "timeline[0].outage", "config.instances[0].id"])
  })

  it("is no scenario when it is no YAML", () => {
    assert.isTrue(Either.isLeft(Scenario.parse("seed: [")))
  })
})

describe("the scenarios that come along", () => {
  const files = readdirSync("scenarios").filter((name) => name.endsWith(".yaml"))
  const readme = readFileSync("scenarios/README.md", "utf8")

  it("are seven or more", () => {
    assert.isAtLeast(files.length, 7)
  })

  it.effect("show that a breaker saves calls while a provider is out, and not answers: outage.yaml", () =>
    Effect.gen(function* () {
      const { runs } = yield* window("outage.yaml", "58m", "68m")
      const [breaker, none] = runs
      assert.deepStrictEqual([breaker?.availability, none?.availability], [1, 1])
      assert.isBelow(breaker?.calls_per_request ?? 2, 1.05)
      assert.isAbove(none?.calls_per_request ?? 0, 1.5)
    })
  )

  it.effect("show who leaves a flapping provider out for longer than it is out: flapping.yaml", () =>
    Effect.gen(function* () {
      const [inARow, , share] = (yield* window("flapping.yaml", "60m", "65m")).runs
      assert.isBelow(served(inARow, "primary"), 0.5)
      // It is well for 50 s of each minute.
      assert.approximately(served(share, "primary"), 5 / 6, 0.03)
    })
  )

  it.effect("show that whoever is told what is left does not ask for a 429: rate-limits.yaml", () =>
    Effect.gen(function* () {
      const only = { strategies: ["priority"] }
      const [told] = (yield* window("rate-limits.yaml", "14h", "850m", only)).runs
      const [untold] = (yield* window("rate-limits.yaml", "14h", "850m", only, (text) =>
        text.replaceAll("requestsPerMinute: 90 }", "requestsPerMinute: 90, rateLimitHeaders: false }")
      )).runs
      assert.deepStrictEqual([told?.availability, untold?.availability], [1, 1])
      assert.isAbove(served(told, "two"), 0.2)
      const refused = (run: Report.RunReport | undefined) => (run?.calls ?? 0) - (run?.requests ?? 0)
      assert.isAbove(refused(untold), 2 * refused(told))
    })
  )

  it.effect("show that whoever counts failures does not see a slow death: slow-death.yaml", () =>
    Effect.gen(function* () {
      const [priority, , latency] = (yield* window("slow-death.yaml", "4h", "245m")).runs
      assert.isAbove(served(priority, "primary"), 0.9)
      assert.isBelow(served(latency, "primary"), 0.2)
      assert.isAbove(priority?.total_ms.p50 ?? 0, 5 * (latency?.total_ms.p50 ?? 0))
      assert.isAbove(Number(priority?.cost_usd), 0)
    })
  )

  it.effect("show that a cellar loses nobody's answer, only time: keys.yaml", () =>
    Effect.gen(function* () {
      const [before] = (yield* window("keys.yaml", "160m", "3h")).runs
      const [priority, , ...others] = (yield* window("keys.yaml", "5h", "310m")).runs
      for (const run of [priority, ...others]) {
        assert.strictEqual(run?.availability, 1)
        assert.isAbove(served(run, "cellar"), 0.95)
      }
      assert.isAbove(priority?.total_ms.p50 ?? 0, 2 * (before?.total_ms.p50 ?? 0))
      // Whoever goes by price is there before the others.
      const [asListed, byPrice] = (yield* window("keys.yaml", "4h", "250m")).runs
      assert.deepStrictEqual([served(asListed, "cellar") < 0.05, served(byPrice, "cellar") > 0.95], [true, true])
      assert.isBelow(Number(byPrice?.cost_usd), Number(asListed?.cost_usd))
    })
  )

  it.effect("show what money saves of time: prices.yaml", () =>
    Effect.gen(function* () {
      const [dear, cheap] = (yield* window("prices.yaml", "10m", "15m")).runs
      assert.isBelow(2 * Number(cheap?.cost_usd), Number(dear?.cost_usd))
      assert.isAbove(cheap?.total_ms.p50 ?? 0, 2 * (dear?.total_ms.p50 ?? 0))
      assert.strictEqual(dear?.availability, 1)
    })
  )

  it.effect("have a while in which nobody can answer: black-day.yaml", () =>
    Effect.gen(function* () {
      const { runs, row_s } = yield* window("black-day.yaml", "899m", "903m", { strategies: ["priority"] })
      const rows = runs[0]?.timeline ?? []
      const [before, during] = [rows.slice(0, 30 / row_s), rows.slice(60 / row_s)]
      assert.isTrue(before.every(({ failed, requests }) => failed < 0.2 * requests))
      assert.isTrue(during.length > 0 && during.every(({ failed, requests }) => requests > 0 && failed === requests))
    })
  )

  it.effect("are all named in their README, as is every field of a scenario and of its report", () =>
    Effect.gen(function* () {
      const report = yield* Report.make({ ...parsed(good), duration: 60_000 }, () => Effect.void)
      const reported = [report, ...report.runs, ...report.runs.flatMap(({ timeline }) => timeline)]
      const fields = [...readme.replaceAll(/```[^]*?```/g, "").matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code)
      const missing = (names: ReadonlyArray<string>) =>
        names.filter((name) => !fields.some((code) => new RegExp(`(?<![\\w.])${name}(?!\\w)`).test(code)))
      assert.isEmpty(missing(files))
      assert.isEmpty(missing(fieldNames(Schema.encodedSchema(ScenarioFile).ast)))
      assert.isEmpty(missing(reported.flatMap(Object.keys)))
    })
  )
})

/** What a part of a scenario that comes along comes to, when all begins with it. */
const window = (
  file: string,
  from: Time,
  to: Time,
  overrides?: Scenario.Overrides,
  change: (text: string) => string = (text) => text
) => {
  const whole = parsed(change(readFileSync(`scenarios/${file}`, "utf8")), overrides)
  const [start, end] = [msOf(from), msOf(to)]
  const { daily, rate, steps } = whole.arrivals
  const arrivals =
    daily !== undefined
      ? { daily: { ...daily, peakAt: daily.peakAt - start } }
      : { rate: rate ?? steps?.findLast(({ at }) => at <= start)?.rate ?? 0 }
  const timeline = whole.timeline.map((event) => ({ ...event, at: event.at - start }))
  return Report.make({ ...whole, arrivals, timeline, duration: end - start }, () => Effect.void)
}

type Time = `${number}${"h" | "m"}`

/** In ms. */
const msOf = (time: Time): number => Number.parseInt(time, 10) * (time.endsWith("h") ? 60 : 1) * 60_000

const served = (run: Report.RunReport | undefined, instance: string): number =>
  (run?.served_by[instance] ?? 0) / (run?.answered ?? 0)

/** Of all the structs in a schema. */
const fieldNames = (ast: SchemaAST.AST): ReadonlyArray<string> => {
  switch (ast._tag) {
    case "TypeLiteral":
      return [
        ...ast.propertySignatures.flatMap(({ name, type }) => [String(name), ...fieldNames(type)]),
        ...ast.indexSignatures.flatMap(({ type }) => fieldNames(type))
      ]
    case "TupleType":
      return [...ast.elements, ...ast.rest].flatMap(({ type }) => fieldNames(type))
    case "Union":
      return ast.types.flatMap(fieldNames)
    default:
      return []
  }
}
