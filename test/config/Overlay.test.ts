import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import type { InstanceEntry, Overlay } from "../../src/config/Overlay.js"
import { apply, lay, none, problemsOf, reasonOf } from "../../src/config/Overlay.js"
import type { Settings } from "../../src/config/Settings.js"
import { loading } from "./loading.js"

const file = `
instances:
  - { id: a, provider: openai, apiKey: sk-of-the-file, weight: 2, timeouts: { connect: 1s, total: 20s } }
  - { id: b, provider: openai-compatible, baseUrl: "http://b.test/v1", models: [m] }
models:
  - { id: m, aliases: [quick], targets: [{ instance: a, model: m-1 }, { instance: b, model: m }] }
routing: { strategy: weighted, deadline: 9s }
`
const env = { A_KEY: "sk-of-the-environment", OTHER: "secret" }

const configured = loading({ file, env })

interface Entries {
  readonly instances?: Readonly<Record<string, InstanceEntry>>
  readonly models?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly routing?: Overlay["routing"]
}

const overlay = ({ instances = {}, models = {}, routing = {} }: Entries): Overlay => ({
  instances: new Map(Object.entries(instances)),
  models: new Map(Object.entries(models)),
  routing
})

/** What comes of entries that fit. */
const laid = (entries: Entries) =>
  Effect.map(configured, (settings) => Either.getOrThrow(apply(settings, overlay(entries))))

/** What is wrong with entries, as `path: message`. */
const refused = (entries: Entries) =>
  Effect.map(configured, (settings) =>
    Either.match(apply(settings, overlay(entries)), {
      onRight: () => [],
      onLeft: (problems) => problems.map(({ message, path }) => `${path}: ${message}`)
    })
  )

const instanceOf = (settings: Settings, id: string) =>
  settings.instances.find((instance) => instance.id === id) ?? assert.fail(`there is no ${id}`)

const keyOf = (settings: Settings, id: string) => {
  const { apiKey } = instanceOf(settings, id)
  return apiKey && Redacted.value(apiKey)
}

const key = (text: string): Pick<InstanceEntry, "apiKey"> => ({ apiKey: Redacted.make(text) })

describe("an overlay", () => {
  it.effect("that is empty changes nothing, and what it does not name is the same object", () =>
    Effect.gen(function* () {
      const settings = yield* configured
      const same = lay(settings, none).settings
      assert.deepStrictEqual(same, settings)
      for (const [at, instance] of same.instances.entries()) assert.strictEqual(instance, settings.instances[at])
      const changed = lay(settings, overlay({ instances: { a: { fields: { weight: 5 } } } })).settings
      assert.strictEqual(instanceOf(changed, "b"), instanceOf(settings, "b"))
    })
  )

  it.effect("lays single fields over an instance; mappings are merged, and the key stays", () =>
    Effect.gen(function* () {
      const settings = yield* laid({ instances: { a: { fields: { enabled: false, timeouts: { total: "3s" } } } } })
      const { enabled, timeouts, weight } = instanceOf(settings, "a")
      assert.deepStrictEqual([enabled, weight, timeouts.connect, timeouts.total], [false, 2, 1_000, 3_000])
      assert.strictEqual(keyOf(settings, "a"), "sk-of-the-file")
    })
  )

  it.effect("takes a field away with null", () =>
    Effect.gen(function* () {
      const settings = yield* laid({ instances: { b: { fields: { models: null, weight: null } } } })
      assert.deepStrictEqual([instanceOf(settings, "b").models, instanceOf(settings, "b").weight], [undefined, 1])
    })
  )

  it.effect("adds an instance, whose ${VAR} is filled from the environment", () =>
    Effect.gen(function* () {
      const settings = yield* laid({ instances: { c: { fields: { provider: "openai" }, ...key("${A_KEY}") } } })
      assert.deepStrictEqual(
        settings.instances.map(({ id }) => id),
        ["a", "b", "c"]
      )
      assert.strictEqual(keyOf(settings, "c"), "sk-of-the-environment")
      assert.strictEqual(instanceOf(settings, "c").retry.maxAttempts, 3)
    })
  )

  it.effect("changes a model of the file and adds others, which may name instances of the overlay", () =>
    Effect.gen(function* () {
      const settings = yield* laid({
        instances: { c: { fields: { provider: "simulated" } } },
        models: {
          m: { aliases: ["fast"] },
          n: { targets: [{ instance: "c", model: "n-1" }] },
          "gpt-4o": { enabled: false }
        }
      })
      assert.deepStrictEqual(
        settings.models.map(({ aliases, enabled, id, targets }) => [id, aliases, enabled, targets.length]),
        [
          ["m", ["fast"], undefined, 2],
          ["n", [], undefined, 1],
          ["gpt-4o", [], false, 0]
        ]
      )
    })
  )

  it.effect("changes the routing and leaves the rest of it", () =>
    Effect.gen(function* () {
      const { routing } = yield* laid({ routing: { strategy: "round-robin", weights: { b: 4 } } })
      assert.deepStrictEqual([routing.strategy, routing.weights, routing.deadline], ["round-robin", { b: 4 }, 9_000])
    })
  )

  it.effect("that is wrong is refused with the path of every field", () =>
    Effect.gen(function* () {
      const problems = yield* refused({
        instances: {
          a: { fields: { weight: -1, wieght: 2, timeouts: { total: "soon" } } },
          c: { fields: { baseUrl: "http://x.test/${OTHER}" } },
          d: { fields: { provider: "openai" }, ...key("${NOBODY}") },
          e: { fields: { provider: "anthropic" } }
        },
        models: {
          n: {},
          o: { targets: [{ instance: "gone", model: "x" }] },
          p: { enabled: false, aliases: ["quick"] }
        },
        routing: { weights: { gone: 1 } }
      })
      assert.deepStrictEqual(problems, [
        "instances.a.wieght: is not a known field; did you mean weight?",
        "instances.a.weight: must be a number from 0 to 1000000",
        "instances.a.timeouts.total: must be a duration from 1ms to 24h with its unit: 250ms, 5s, 2m or 1h",
        "instances.c.baseUrl: holds a ${, which is filled from the environment in apiKey only",
        "instances.c.provider: is required",
        "instances.d.apiKey: the variable NOBODY is not set",
        "instances.e.apiKey: is required while this anthropic instance is enabled, usually as ${ANTHROPIC_API_KEY}",
        "models.n.targets: is required",
        "models.o.targets[0].instance: no instance is called gone",
        "models.p.aliases[0]: the name quick is taken already",
        "routing.weights.gone: no instance is called gone"
      ])
    })
  )

  it.effect("shows no key in what it says", () =>
    Effect.gen(function* () {
      const pasted = "sk-pasted-where-it-does-not-belong"
      const problems = yield* refused({
        instances: { c: { fields: { provider: "openai", [pasted]: 1 }, ...key(pasted) } }
      })
      assert.deepStrictEqual(problems, ["instances.c.***: is not a known field"])
    })
  )

  it.effect("whose key nobody here can read has the instance out of service, and says why", () =>
    Effect.gen(function* () {
      const settings = yield* configured
      const locked = (fields: InstanceEntry["fields"]): InstanceEntry => ({ fields, locked: true })
      const instances = { a: locked({ weight: 7, enabled: true }), c: locked({ provider: "openai" }), d: locked({}) }
      const { settings: left, unfit } = lay(settings, overlay({ instances }))
      assert.deepStrictEqual(
        left.instances.map(({ apiKey, enabled, id, weight }) => [id, enabled, weight, apiKey]),
        [
          ["a", false, 7, undefined],
          ["b", true, 1, undefined],
          ["c", false, 1, undefined]
        ]
      )
      assert.deepStrictEqual(
        unfit.map(({ id, problems }) => [id, ...problems.map(({ path }) => path)]),
        [
          ["a", "apiKey"],
          ["c", "apiKey"],
          ["d", "provider", "apiKey"]
        ]
      )
      assert.match(unfit.map(reasonOf)[1] ?? "", /^apiKey was sealed with another ORELSE_ADMIN_KEY/)
    })
  )

  it.effect("under which the configuration has changed counts as far as it still fits", () =>
    Effect.gen(function* () {
      const settings = yield* configured
      const { settings: left, unfit } = lay(
        { ...settings, instances: settings.instances.slice(0, 1), models: [] },
        overlay({
          instances: { a: { fields: { weight: 7 } }, b: { fields: { enabled: true } } },
          models: {
            n: {
              targets: [
                { instance: "a", model: "x" },
                { instance: "b", model: "x" }
              ]
            },
            m: { aliases: ["o"] }
          }
        })
      )
      assert.deepStrictEqual(
        left.instances.map(({ id, weight }) => [id, weight]),
        [["a", 7]]
      )
      assert.deepStrictEqual(
        left.models.map(({ id, targets }) => [id, targets.length]),
        [["n", 2]]
      )
      assert.deepStrictEqual(
        unfit.flatMap(problemsOf).map(({ path }) => path),
        ["instances.b.provider", "models.n.targets[1].instance", "models.m.targets"]
      )
    })
  )

  it.effect("ends the stand-ins with the first real instance, and not before", () =>
    Effect.gen(function* () {
      const standing = yield* loading({})
      const ids = (entries: Entries) => lay(standing, overlay(entries)).settings.instances.map(({ id }) => id)
      const local = { provider: "ollama" }
      assert.deepStrictEqual(ids({ instances: { own: { fields: local } } }), ["own"])
      const off = { instances: { own: { fields: { ...local, enabled: false } } } }
      assert.deepStrictEqual(ids(off), ["simulated-primary", "simulated-backup", "own"])
    })
  )
})
