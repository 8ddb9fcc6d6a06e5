import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as TestClock from "effect/TestClock"
import { Catalog } from "../../src/catalog/Catalog.js"
import type { InstanceSettings, Settings } from "../../src/config/Settings.js"
import { local } from "../../src/domain/Caller.js"
import type { ChatRequest } from "../../src/domain/ChatRequest.js"
import { Circuits } from "../../src/health/Circuits.js"
import { Concurrency } from "../../src/limits/Concurrency.js"
import * as Explain from "../../src/routing/Explain.js"
import type { Plan } from "../../src/routing/Plan.js"
import { Planner } from "../../src/routing/Planner.js"
import { gateway, request } from "../support/gateway.js"
import { instance, model, routing, settings } from "../support/settings.js"

interface Setup {
  readonly instances?: Readonly<Record<string, Partial<InstanceSettings>>>
  readonly models?: Settings["models"]
  readonly routing?: Partial<Settings["routing"]>
}

type Known = Catalog | Circuits | Concurrency | Planner

const on = <A, E>(setup: Setup, body: Effect.Effect<A, E, Known>): Effect.Effect<A, E> => {
  const instances = Object.entries(setup.instances ?? { a: {}, b: {}, c: {} }).map(([id, more]) => instance(id, more))
  return Effect.provide(
    body,
    gateway(
      settings({
        instances,
        models: setup.models ?? [
          model(
            "m",
            instances.map(({ id }) => id)
          )
        ],
        routing: { ...routing, ...setup.routing }
      })
    )
  )
}

const asking = (fields: Readonly<Record<string, unknown>> = {}, more: Partial<ChatRequest> = {}): ChatRequest => ({
  ...request(fields),
  ...more
})

/** The plan of a request now; who is asked first has answered. */
const planned = (of: ChatRequest = asking(), caller = local) =>
  Effect.gen(function* () {
    const planner = yield* Planner
    const now = (yield* Effect.clock).unsafeCurrentTimeMillis()
    const plan = planner.plan(of, caller, now)
    const [first] = Either.isRight(plan) ? plan.right.candidates : []
    if (first !== undefined) planner.served(of, caller, first, now)
    return plan
  })

const pick = ({ preferences }: ChatRequest): Pick<ChatRequest, "preferences"> => ({ preferences })

const order = (plan: Either.Either<Plan, unknown>): string =>
  Either.isRight(plan) ? plan.right.candidates.map(({ instance: { id } }) => id).join(" ") : "nobody"

/** Who would be asked, in order. */
const asked = (of?: ChatRequest, caller?: typeof local) => Effect.map(planned(of, caller), order)

const times = <A, E, R>(count: number, effect: Effect.Effect<A, E, R>) => Effect.replicateEffect(effect, count)

const down = (id: string) =>
  Effect.flatMap(Circuits, (circuits) => Effect.sync(() => circuits.force(instance(id), "open", 0)))

const strategy = (of: Settings["routing"]["strategy"], setup: Setup = {}): Setup => ({
  ...setup,
  routing: { strategy: of, ...setup.routing }
})

describe("the strategy of the operator", () => {
  it.effect("round-robin: the next request begins where the one before has ended", () =>
    on(
      strategy("round-robin"),
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* times(4, asked()), ["a b c", "b c a", "c a b", "a b c"])
      })
    )
  )

  it.effect("round-robin: takes turns among those that are well", () =>
    on(
      strategy("round-robin"),
      Effect.gen(function* () {
        yield* down("b")
        assert.deepStrictEqual(yield* times(3, asked()), ["a c", "c a", "a c"])
      })
    )
  )

  it.effect("weighted: 60, 30 and 10 of 100, within two points of 10,000", () =>
    on(
      strategy("weighted", {
        instances: { a: { weight: 60 }, b: { weight: 5 }, c: { weight: 10 } },
        routing: { weights: { b: 30 } }
      }),
      Effect.gen(function* () {
        const firsts = (yield* times(10_000, asked())).map((names) => names.slice(0, 1))
        const share = (id: string) => firsts.filter((first) => first === id).length / 100
        assert.closeTo(share("a"), 60, 2)
        assert.closeTo(share("b"), 30, 2)
        assert.closeTo(share("c"), 10, 2)
      })
    )
  )

  it.effect("least-busy: whoever has the fewest calls under way", () =>
    on(
      strategy("least-busy"),
      Effect.gen(function* () {
        const { take } = yield* Concurrency
        take(instance("a"))
        const ofB = take(instance("b"))
        assert.strictEqual(yield* asked(), "c a b")
        ofB?.()
        assert.strictEqual(yield* asked(), "b c a")
      })
    )
  )

  it.effect("least-latency: whoever answered fastest, as streams and as whole answers", () =>
    on(
      strategy("least-latency", { instances: { a: {}, b: {} } }),
      Effect.gen(function* () {
        const { admit } = yield* Circuits
        const answer = (id: string, latency: number, streamed: boolean): void => {
          admit(instance(id), "m", () => 0, { streamed, extra: false })?.begin(latency)
        }
        answer("a", 300, false)
        answer("b", 100, false)
        answer("a", 20, true)
        answer("b", 90, true)
        assert.strictEqual(yield* asked(), "b a")
        assert.strictEqual(yield* asked(asking({ stream: true })), "a b")
      })
    )
  )

  it.effect("cost-optimized: whoever is cheapest for this very request", () =>
    on(
      strategy("cost-optimized", {
        instances: {
          "long-answers": { pricing: { prompt: 1, completion: 100 } },
          "long-questions": { pricing: { prompt: 10, completion: 1 } }
        }
      }),
      Effect.gen(function* () {
        assert.strictEqual(yield* asked(), "long-questions long-answers")
        const long = asking({ messages: [{ role: "user", content: "x".repeat(100_000) }], max_tokens: 5 })
        assert.strictEqual(yield* asked(long), "long-answers long-questions")
        // It is the provider's to refuse what is no number of tokens.
        for (const max_tokens of [0.5, -1]) {
          assert.strictEqual(yield* asked(asking({ max_tokens })), "long-answers long-questions")
        }
      })
    )
  )

  it.effect("never changes the place of a target that says what it catches", () =>
    on(
      strategy("round-robin", {
        models: [model("m", ["a", "b", { instance: "c", model: "m", catch: ["rate_limit"] }])]
      }),
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* times(2, asked()), ["a b c", "b a c"])
      })
    )
  )

  it.effect("never puts a model that the caller named later before one that it named earlier", () =>
    on(
      strategy("round-robin", { models: [model("m", ["a", "b"]), model("n", ["b", "c"])] }),
      Effect.gen(function* () {
        const both = asking({ models: ["n"] })
        assert.deepStrictEqual(yield* times(2, asked(both)), ["a b b c", "b a c b"])
      })
    )
  )

  it.effect("does not touch the chain that the caller wrote", () =>
    on(
      strategy("round-robin"),
      Effect.gen(function* () {
        const own = asking({ fallback: { providers: [{ provider: "c", model_name: "x" }] } })
        assert.deepStrictEqual(yield* times(2, asked(own)), ["a c", "a c"])
      })
    )
  )

  it.effect("can be changed while it runs", () =>
    on(
      {},
      Effect.gen(function* () {
        const { setRouting } = yield* Catalog
        assert.deepStrictEqual(yield* times(2, asked()), ["a b c", "a b c"])
        setRouting({ strategy: "round-robin" })
        assert.deepStrictEqual(yield* times(2, asked()), ["a b c", "b c a"])
      })
    )
  )

  it.effect("is not moved on by an explanation", () =>
    on(
      strategy("round-robin"),
      Effect.gen(function* () {
        const { knowledge } = yield* Planner
        const explained = () =>
          Either.getOrThrow(Explain.make("m", knowledge(0)))
            .failover_order.map((step) => step.instance)
            .join(" ")
        assert.deepStrictEqual([explained(), explained()], ["a b c", "a b c"])
        yield* asked()
        assert.strictEqual(explained(), "b c a")
      })
    )
  )
})

describe("the order of peers and a fallback", () => {
  it.effect("is a fallback only where a whole rank of peers is out", () =>
    on(
      strategy("round-robin"),
      Effect.gen(function* () {
        yield* down("a")
        const plan = Either.getOrThrow(yield* planned())
        assert.deepStrictEqual(
          plan.excluded.map(({ ahead, instance: id, reason }) => [id, reason, ahead]),
          [["a", "circuit_open", false]]
        )
      })
    )
  )
})

describe("a session", () => {
  const sticky = { header: "x-session-id", by: ["header", "prompt_cache_key", "user"], ttl: 60_000 } as const
  const setup = strategy("round-robin", { routing: { sticky } })
  const inSession = (session: string) => asking({}, { session })

  it.effect("stays with whoever served it, while others go round", () =>
    on(
      setup,
      Effect.gen(function* () {
        const first = (names: string) => names.slice(0, 1)
        assert.deepStrictEqual((yield* times(3, asked(inSession("s")))).map(first), ["a", "a", "a"])
        assert.deepStrictEqual(first(yield* asked(inSession("t"))), "b")
        assert.deepStrictEqual(first(yield* asked()), "c")
      })
    )
  )

  it.effect("takes nobody's turn", () =>
    on(
      setup,
      Effect.gen(function* () {
        yield* asked(inSession("s"))
        const others: Array<string> = []
        for (let round = 0; round < 6; round++) {
          assert.strictEqual((yield* asked(inSession("s"))).slice(0, 1), "a")
          others.push((yield* asked()).slice(0, 1))
        }
        assert.deepStrictEqual(others, ["b", "c", "a", "b", "c", "a"])
      })
    )
  )

  it.effect("gives way to the order that its caller asks for", () =>
    on(
      {
        ...setup,
        instances: { a: { pricing: { prompt: 9, completion: 9 } }, b: { pricing: { prompt: 1, completion: 1 } } }
      },
      Effect.gen(function* () {
        yield* asked(inSession("s"))
        assert.strictEqual(yield* asked({ ...inSession("s"), ...pick(asking({ provider: { sort: "price" } })) }), "b a")
      })
    )
  )

  for (const [what, fields] of [
    ["prompt_cache_key", { prompt_cache_key: "k" }],
    ["user", { user: "u" }]
  ] as const) {
    it.effect(`is told by ${what} too`, () =>
      on(
        setup,
        Effect.gen(function* () {
          yield* asked()
          assert.deepStrictEqual(
            (yield* times(3, asked(asking(fields)))).map((names) => names.slice(0, 1)),
            ["b", "b", "b"]
          )
        })
      )
    )
  }

  it.effect("of one tenant is not another's, and none of another model", () =>
    on(
      { ...setup, models: [model("m", ["a", "b", "c"]), model("n", ["a", "b", "c"])] },
      Effect.gen(function* () {
        yield* asked()
        assert.strictEqual(yield* asked(inSession("s")), "b c a")
        assert.strictEqual(yield* asked(inSession("s"), { ...local, tenant: "other" }), "c a b")
        assert.strictEqual(yield* asked({ ...inSession("s"), model: "n" }), "a b c")
      })
    )
  )

  it.effect("moves on when its instance is ill, and stays where it then is", () =>
    on(
      setup,
      Effect.gen(function* () {
        yield* asked(inSession("s"))
        yield* down("a")
        const [moved = ""] = yield* times(1, asked(inSession("s")))
        assert.notInclude(moved, "a")
        assert.strictEqual((yield* asked(inSession("s"))).slice(0, 1), moved.slice(0, 1))
      })
    )
  )

  it.effect("is forgotten when it was quiet for its time", () =>
    on(
      setup,
      Effect.gen(function* () {
        yield* asked(inSession("s"))
        yield* TestClock.adjust("50 seconds")
        assert.strictEqual((yield* asked(inSession("s"))).slice(0, 1), "a")
        yield* TestClock.adjust("61 seconds")
        assert.strictEqual((yield* asked(inSession("s"))).slice(0, 1), "b")
      })
    )
  )

  it.effect("of a very long name is one too", () =>
    on(
      setup,
      Effect.gen(function* () {
        const [one, other] = ["a", "b"].map((end) => inSession("x".repeat(100_000) + end))
        const firsts = [yield* asked(one), yield* asked(other), yield* asked(one), yield* asked(other)]
        assert.deepStrictEqual(
          firsts.map((names) => names.slice(0, 1)),
          ["a", "b", "a", "b"]
        )
      })
    )
  )
})

describe("OpenRouter's `provider` object", () => {
  const preferring = (provider: object, more: object = {}) => asking({ provider, ...more })
  const vendors: Setup = {
    instances: {
      "openai-eu": { provider: "openai", pricing: { prompt: 5, completion: 20 } },
      groq: { provider: "groq", pricing: { prompt: 1, completion: 2 } },
      router: { provider: "openrouter", pricing: { prompt: 3, completion: 3 } }
    }
  }

  const cases: ReadonlyArray<readonly [string, object, string]> = [
    ["order by id", { order: ["router", "groq"] }, "router groq openai-eu"],
    ["order by vendor", { order: ["openai"] }, "openai-eu groq router"],
    ["order in OpenRouter's spelling", { order: ["Groq/fast"] }, "groq openai-eu router"],
    ["order of nobody that is known", { order: ["deepinfra"] }, "openai-eu groq router"],
    ["only", { only: ["groq"] }, "groq"],
    ["only one that OpenRouter must have", { only: ["deepinfra"] }, "router"],
    ["ignore", { ignore: ["openai"] }, "groq router"],
    ["no fallbacks", { allow_fallbacks: false }, "openai-eu"],
    ["no fallbacks among those allowed", { only: ["groq", "openrouter"], allow_fallbacks: false }, "groq"],
    ["no fallbacks after the one that is ignored", { ignore: ["openai"], allow_fallbacks: false }, "groq"],
    ["no fallbacks after the cheapest", { sort: "price", allow_fallbacks: false }, "groq"],
    ["no fallbacks but those named", { order: ["router", "groq"], allow_fallbacks: false }, "router groq"],
    ["sort by price", { sort: "price" }, "groq router openai-eu"],
    ["sort as an object", { sort: { by: "price" } }, "groq router openai-eu"],
    ["sort, with one named first", { sort: "price", order: ["openai"] }, "openai-eu groq router"],
    ["max_price, which OpenRouter keeps itself", { max_price: { prompt: 2 } }, "groq router"],
    ["max_price as text", { max_price: { completion: "2.5" } }, "groq router"],
    ["nothing", {}, "openai-eu groq router"]
  ]
  for (const [what, provider, expected] of cases) {
    it.effect(what, () =>
      on(
        vendors,
        Effect.map(asked(preferring(provider)), (found) => assert.strictEqual(found, expected))
      )
    )
  }

  it.effect("leaves out whoever has no known price where there is a cap", () =>
    on(
      {
        instances: {
          a: { provider: "openai-compatible", baseUrl: "http://a.test/v1" },
          b: { pricing: { prompt: 1, completion: 1 } }
        }
      },
      Effect.gen(function* () {
        const plan = Either.getOrThrow(yield* planned(preferring({ max_price: { prompt: 2 } })))
        assert.deepStrictEqual(
          plan.excluded.map(({ instance: id, reason }) => [id, reason]),
          [["a", "price"]]
        )
      })
    )
  )

  it.effect("is refused where it leaves nobody, with the reason of each", () =>
    on(
      vendors,
      Effect.gen(function* () {
        const refused = Either.getOrThrow(
          Either.flip(yield* planned(preferring({ only: ["groq"], max_price: { prompt: 0.1 } })))
        )
        if (refused._tag !== "RequestRejected") return assert.fail(refused._tag)
        assert.deepStrictEqual([refused.code, refused.param], ["no_allowed_provider", "provider"])
        assert.include(refused.message, "groq: it costs more than 'provider.max_price'")
        assert.include(refused.message, "openai-eu: 'provider' leaves it out")
      })
    )
  )

  it.effect("goes before the operator's strategy, which orders the rest", () =>
    on(
      strategy("round-robin"),
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* times(3, asked(preferring({ order: ["c"] }))), ["c a b", "c a b", "c a b"])
      })
    )
  )
})
