import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import { readdirSync, readFileSync } from "node:fs"
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

  it("are five or more", () => {
    assert.isAtLeast(files.length, 5)
  })

  it.each(files)("can be run: %s", (file) => {
    const scenario = parsed(readFileSync(`scenarios/${file}`, "utf8"))
    assert.isAtLeast(scenario.timeline.length, 1)
  })

  it("are all named in their README, as is every field of a scenario", () => {
    const missing = (names: ReadonlyArray<string>) =>
      names.filter((name) => !new RegExp(`[\`{ ]${name}[\`:,} ]`).test(readme))
    assert.isEmpty(files.filter((file) => !readme.includes(`\`${file}\``)))
    assert.isEmpty(missing(fieldNames(Schema.encodedSchema(ScenarioFile).ast)))
  })
})

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
