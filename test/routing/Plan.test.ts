import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import { makeSnapshot } from "../../src/catalog/Catalog.js"
import type { InstanceSettings, ModelSettings, Settings } from "../../src/config/Settings.js"
import type * as Ailing from "../../src/routing/Ailing.js"
import * as Plan from "../../src/routing/Plan.js"
import { request } from "../support/gateway.js"
import { instance, model, settings } from "../support/settings.js"

interface Setup {
  readonly request?: Readonly<Record<string, unknown>>
  readonly instances?: ReadonlyArray<InstanceSettings>
  readonly models?: ReadonlyArray<ModelSettings>
  readonly routing?: Partial<Settings["routing"]>
  /** Ids of instances that are not well. */
  readonly ailing?: ReadonlyArray<string>
  /** And why they are not; by default their check failed. */
  readonly because?: Readonly<Record<string, Ailing.Reason>>
}

const instances = ["a", "b", "c"].map((id) => instance(id))
const targets = (...ids: ReadonlyArray<string>) =>
  ids.map((id) => ({ instance: id, model: `${id}-m`, catch: undefined }))
const models = [model("m", targets("a", "b", "c"))]

const planned = (setup: Setup) => {
  const base = settings({ instances: setup.instances ?? instances, models: setup.models ?? models })
  const snapshot = makeSnapshot({ ...base, routing: { ...base.routing, ...setup.routing } })
  return Plan.make(request(setup.request), snapshot, {
    ...Plan.unknown,
    ailment: ({ instance: { id } }) =>
      setup.ailing?.includes(id) === true
        ? { reason: setup.because?.[id] ?? "unhealthy", detail: `${id} did not answer`, until: 0 }
        : undefined
  })
}

const plan = (setup: Setup = {}) => Either.getOrThrow(planned(setup))

const refusal = (setup: Setup) => {
  const error = Either.getOrThrow(Either.flip(planned(setup)))
  return error._tag === "RequestRejected" ? { param: error.param, message: error.message } : assert.fail(error._tag)
}

const chain = ({ candidates }: Plan.Plan): ReadonlyArray<string> =>
  candidates.map((candidate) => `${candidate.instance.id}:${candidate.model}`)

describe("the plan of a model", () => {
  it("is its chain, with the limits of the whole request", () => {
    const { asked, candidates, deadline, excluded, maxAttempts } = plan({
      routing: { deadline: 7_000, maxAttempts: 5 }
    })
    assert.deepStrictEqual([asked, deadline, maxAttempts, excluded], ["m", 7_000, 5, []])
    assert.deepStrictEqual(
      candidates.map((candidate) => [candidate.instance.id, candidate.model, candidate.maxCalls, candidate.baseUrl]),
      [
        ["a", "a-m", 3, undefined],
        ["b", "b-m", 3, undefined],
        ["c", "c-m", 3, undefined]
      ]
    )
  })

  it("is none where nobody serves it", () => {
    const error = Either.getOrThrow(Either.flip(planned({ instances: [], models: [] })))
    assert.strictEqual(error._tag, "ModelNotServed")
  })
})

describe("`models`", () => {
  const several = [model("m", targets("a", "b")), model("n", targets("b", "c")), model("o", [...targets("a"), "c"])]

  it("puts the chains behind one another, each candidate once", () => {
    assert.deepStrictEqual(chain(plan({ models: several, request: { models: ["n", "o", "m"] } })), [
      "a:a-m",
      "b:b-m",
      "c:c-m",
      "c:o"
    ])
  })

  it("also helps where nobody serves the first model", () => {
    const own = [instance("a", { models: ["known"] })]
    const found = plan({ instances: own, models: [], request: { model: "unknown", models: ["known"] } })
    assert.deepStrictEqual(chain(found), ["a:known"])
  })

  it.prop(
    "never names a candidate twice, and keeps the order of first mention",
    [FastCheck.array(FastCheck.constantFrom("m", "n", "o"), { minLength: 1, maxLength: 6 })],
    ([names]) => {
      const found = chain(plan({ models: several, request: { models: names } }))
      assert.strictEqual(new Set(found).size, found.length)
      const all = ["m", ...names].flatMap((name) => chain(plan({ models: several, request: { model: name } })))
      assert.deepStrictEqual(found, [...new Set(all)])
    }
  )
})

describe("the request's own `fallback`", () => {
  const entry = { provider: "c", model_name: "other" }
  const own = (providers: ReadonlyArray<object>, fields: object = {}) => ({ fallback: { providers, ...fields } })

  it("replaces every target after the first", () => {
    assert.deepStrictEqual(chain(plan({ request: own([entry, { ...entry, provider: "a" }]) })), [
      "a:a-m",
      "c:other",
      "a:other"
    ])
  })

  it("brings its overrides and its errors for its own entry alone", () => {
    const overrides = { max_tokens: 9, temperature: 0, catch_errors: ["auth", "all"] }
    const [first, second] = plan({ request: own([{ ...entry, ...overrides }]) }).candidates
    assert.deepInclude(first, { maxTokens: undefined, temperature: undefined, catch: undefined })
    assert.deepInclude(second, { maxTokens: 9, temperature: 0, catch: ["auth", "all"] })
  })

  it("allows one call more than max_retries_per_provider to each", () => {
    for (const [retries, calls] of [
      [0, 1],
      [4, 5]
    ] as const) {
      const { candidates } = plan({ request: own([entry], { max_retries_per_provider: retries }) })
      assert.deepStrictEqual(
        candidates.map(({ maxCalls }) => maxCalls),
        [calls, calls]
      )
    }
  })

  it("that is empty or switched off leaves the first candidate alone, with its own retries", () => {
    for (const asking of [own([]), own([entry], { enabled: false, max_retries_per_provider: 0 })]) {
      const found = plan({ request: asking })
      assert.deepStrictEqual([chain(found), found.candidates[0]?.maxCalls], [["a:a-m"], 3])
    }
  })

  it("names an instance, or a vendor", () => {
    const mixed = [instance("a"), instance("eu", { provider: "openai" })]
    const found = plan({
      instances: mixed,
      models: [],
      request: { model: "a/x", ...own([{ ...entry, provider: "openai" }]) }
    })
    assert.deepStrictEqual(chain(found), ["a:x", "eu:other"])
  })

  it("that names nobody is refused with those that are there", () => {
    const { message, param } = refusal({ request: own([entry, { ...entry, provider: "nobody" }]) })
    assert.strictEqual(param, "fallback.providers[1].provider")
    assert.include(message, "(there are: a, b, c)")
  })

  it("may name no model that is not on the instance's list", () => {
    const listed = [instance("a"), instance("c", { models: ["other"] })]
    assert.deepStrictEqual(chain(plan({ instances: listed, request: own([entry]) })), ["a:a-m", "c:other"])
    const { param } = refusal({ instances: listed, request: own([{ ...entry, model_name: "dearer" }]) })
    assert.strictEqual(param, "fallback.providers[0].model_name")
  })

  it("may name an instance that is disabled no more than one that is not there", () => {
    const disabled = [instance("a"), instance("c", { enabled: false })]
    assert.strictEqual(refusal({ instances: disabled, request: own([entry]) }).param, "fallback.providers[0].provider")
  })
})

describe("an address that a request names", () => {
  const openai = instance("a", { provider: "openai", allowedBaseUrls: ["https://eu.example:8443/x", "no address"] })
  const naming = (base_url: string): Setup => ({
    instances: [openai],
    models: [model("m", ["a"])],
    request: { fallback: { providers: [{ provider: "a", model_name: "x", base_url }] } }
  })

  const allowed = [
    "https://api.openai.com",
    "https://api.openai.com/v2/",
    "https://API.OpenAI.com:443/v1",
    "https://eu.example:8443/v1"
  ]
  for (const url of allowed) {
    it(`${url} is allowed`, () => {
      assert.strictEqual(plan(naming(url)).candidates[1]?.baseUrl, url)
    })
  }

  const refused = [
    "http://api.openai.com/v1",
    "https://api.openai.com:8443/v1",
    "https://api.openai.com.evil.example/v1",
    "https://evil.example/v1?x=https://api.openai.com",
    "https://user@api.openai.com/v1",
    "https://:key@api.openai.com/v1",
    "https://api.openai.com@evil.example/v1",
    "https://api.openai.com/v1?api-version=1",
    "https://eu.example/v1",
    "//api.openai.com/v1",
    "file:///etc/passwd",
    "no address",
    "null",
    ""
  ]
  for (const url of refused) {
    it(`${JSON.stringify(url)} is refused, and not echoed`, () => {
      const { message, param } = refusal(naming(url))
      assert.strictEqual(param, "fallback.providers[0].base_url")
      if (url !== "") assert.notInclude(message, url)
    })
  }

  it("of the operator's own is where the key may go", () => {
    const own = instance("a", { provider: "openai-compatible", baseUrl: "http://10.0.0.1:8000/v1" })
    assert.isDefined(plan({ ...naming("http://10.0.0.1:8000/v2"), instances: [own] }))
    assert.isDefined(refusal({ ...naming("https://api.openai.com/v1"), instances: [own] }))
  })
})

describe("instances that are not well", () => {
  it("are left out while somebody is well, with the reason", () => {
    const { candidates, excluded } = plan({ ailing: ["a", "c"] })
    assert.deepStrictEqual(
      candidates.map(({ instance: { id } }) => id),
      ["b"]
    )
    assert.deepStrictEqual(excluded, [
      { instance: "a", model: "a-m", reason: "unhealthy", detail: "a did not answer", ahead: true },
      { instance: "c", model: "c-m", reason: "unhealthy", detail: "c did not answer", ahead: false }
    ])
  })

  it("are asked all the same when nobody is well", () => {
    const { candidates, excluded } = plan({ ailing: ["a", "b", "c"] })
    assert.deepStrictEqual([candidates.length, excluded], [3, []])
  })

  const ailing = ["a", "b", "c"]

  it("are asked all the same when a guess is all that speaks against them, and nobody else is", () => {
    const found = plan({ ailing, because: { a: "quota_low", b: "circuit_open" } })
    assert.deepStrictEqual(chain(found), ["a:a-m", "c:c-m"])
    assert.deepStrictEqual(
      [found.lastResort, ...found.excluded.map(({ instance: id, reason }) => [id, reason])],
      [undefined, ["b", "circuit_open"]]
    )
  })

  it("are the last resort only where more than a guess speaks against each", () => {
    const found = plan({ ailing, because: { a: "rate_limited", b: "circuit_open", c: "half_open" } })
    assert.deepStrictEqual([chain(found).length, found.lastResort], [1, 0])
  })

  it("are left out for a quota while somebody is well", () => {
    const found = plan({ ailing: ["a"], because: { a: "quota_low" } })
    assert.deepStrictEqual(chain(found), ["b:b-m", "c:c-m"])
    assert.deepInclude(found.excluded[0], { instance: "a", reason: "quota_low", ahead: true })
  })
})

describe("the cap of attempts", () => {
  it("leaves out whoever it cannot reach", () => {
    const { candidates, excluded } = plan({ routing: { maxAttempts: 2 } })
    assert.lengthOf(candidates, 2)
    assert.deepStrictEqual(excluded, [
      { instance: "c", model: "c-m", reason: "attempts", detail: "a request may cost 2 calls", ahead: false }
    ])
  })

  it("is not spent on those that are left out for their health", () => {
    const { excluded, ...found } = plan({ ailing: ["a"], routing: { maxAttempts: 2 } })
    assert.deepStrictEqual(chain({ excluded, ...found }), ["b:b-m", "c:c-m"])
    assert.deepStrictEqual(
      excluded.map(({ reason }) => reason),
      ["unhealthy"]
    )
  })
})
