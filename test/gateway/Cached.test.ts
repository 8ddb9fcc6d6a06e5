import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { ResponseCache, type Given } from "../../src/cache/ResponseCache.js"
import { Catalog } from "../../src/catalog/Catalog.js"
import type { LiveSettings } from "../../src/config/LiveSettings.js"
import type { CacheSettings, Settings } from "../../src/config/Settings.js"
import * as CacheControl from "../../src/domain/CacheControl.js"
import { local, type Caller } from "../../src/domain/Caller.js"
import type { ChatRequest } from "../../src/domain/ChatRequest.js"
import * as Money from "../../src/domain/Money.js"
import type { ChatReply, ChatReplyStream, StreamEnd } from "../../src/gateway/ChatReply.js"
import { Gateway } from "../../src/gateway/Gateway.js"
import type { SimulatedReply } from "../../src/provider/SimulatedReply.js"
import * as Simulated from "../../src/provider/SimulatedReply.js"
import { Simulator } from "../../src/provider/Simulator.js"
import * as Timers from "../../src/provider/Timers.js"
import { fronts } from "../../src/protocol/Fronts.js"
import * as PlainIn from "../../src/protocol/openai/PlainIn.js"
import { chunk, done, says, textOf } from "../support/chunks.js"
import { gateway, request } from "../support/gateway.js"
import { cache as noCache, instance, model, settings } from "../support/settings.js"
import { eventStream } from "../support/wires.js"

/** One USD a token in, two out. */
const pricing = { prompt: 1_000_000, completion: 2_000_000 }

const configured = (cache: Partial<CacheSettings> = {}, more: Partial<Settings> = {}): Settings =>
  settings({
    instances: ["a", "b"].map((id) => ({
      ...instance(id, { pricing }),
      retry: { ...instance(id).retry, maxAttempts: 1 }
    })),
    models: [model("m", ["a"]), model("n", ["a"]), model("both", ["a", "b"])],
    cache: { ...noCache, enabled: true, ...cache },
    ...more
  })

const numbered = (n: number): SimulatedReply => Simulated.answer(`answer ${n}`)

/** A gateway with a cache, and what was logged; its first provider gives a new answer at each call unless told otherwise. */
const withCache = <A, E>(
  cache: Partial<CacheSettings>,
  body: (
    log: ReadonlyArray<string>
  ) => Effect.Effect<A, E, Catalog | Gateway | LiveSettings | ResponseCache | Simulator>,
  script: ReadonlyArray<SimulatedReply> = Array.from({ length: 50 }, (_, n) => numbered(n + 1))
) => {
  const log: Array<string> = []
  const logger = Logger.replace(
    Logger.defaultLogger,
    Logger.map(Logger.logfmtLogger, (line) => log.push(line))
  )
  return Effect.gen(function* () {
    const simulator = yield* Simulator
    yield* simulator.script("a", ...script)
    return yield* body(log)
  }).pipe(Effect.provide(Layer.merge(gateway(configured(cache)), logger)))
}

const zero = (fields: Readonly<Record<string, unknown>> = {}): ChatRequest => request({ temperature: 0, ...fields })

const saying = (header: string, asked: ChatRequest = zero()): ChatRequest => ({
  ...asked,
  cacheControl: CacheControl.parse(header)
})

/** Asks for a whole answer, and waits long enough for it. */
const whole = (asked: ChatRequest = zero(), caller: Caller = local) =>
  Effect.gen(function* () {
    const { complete } = yield* Gateway
    const fiber = yield* Effect.fork(complete(asked, caller))
    yield* TestClock.adjust("1 second")
    return yield* Fiber.join(fiber)
  })

const said = ({ answer, cache }: ChatReply): string =>
  `${cache}: ${/answer \d+/.exec(Buffer.from(answer.body).toString())?.[0]}`

const asking = (asked: ChatRequest = zero(), caller: Caller = local) => Effect.map(whole(asked, caller), said)

const callsOf = (id: string) =>
  Effect.flatMap(Simulator, (simulator) => Effect.map(simulator.requests(id), ({ length }) => length))

const seconds = (n: number) => TestClock.adjust(n * 1_000)

/** A stream as a server takes it. */
class Taken {
  bytes = Buffer.alloc(0)
  end: StreamEnd | undefined = undefined

  constructor(readonly reply: ChatReplyStream) {}

  start(): this {
    this.reply.start({
      onFrames: (frames) => {
        this.bytes = Buffer.concat([this.bytes, ...frames])
      },
      onEnd: (end) => {
        this.end = end
      }
    })
    return this
  }

  get text(): string {
    return textOf(this.bytes)
  }
}

const opening = (asked: ChatRequest, caller: Caller = local) =>
  Effect.gen(function* () {
    const { open } = yield* Gateway
    const fiber = yield* Effect.fork(open(asked, caller))
    yield* TestClock.adjust("101 millis")
    return new Taken(yield* Fiber.join(fiber))
  })

const stream = zero({ stream: true })

describe("a whole answer from the cache", () => {
  it.effect("has the same bytes, was asked of nobody, costs nothing, and tells its age and what it saved", () =>
    withCache({}, () =>
      Effect.gen(function* () {
        const first = yield* whole()
        yield* seconds(10)
        const second = yield* whole()
        assert.deepStrictEqual(
          [first.cache, first.age, first.saved, first.attempts.length],
          ["miss", undefined, undefined, 1]
        )
        assert.deepStrictEqual(Buffer.from(second.answer.body), Buffer.from(first.answer.body))
        assert.deepStrictEqual(second.answer.view, first.answer.view)
        assert.deepStrictEqual(second.answer.usage, first.answer.usage)
        assert.deepStrictEqual(
          [second.cache, second.age, second.attempts, second.cost, second.saved, second.instance],
          ["hit", 10_900, [], Money.zero, first.cost, "a"]
        )
        assert.strictEqual(yield* callsOf("a"), 1)
      })
    )
  )

  it.effect("is given until it expires, and then asked anew", () =>
    withCache({ ttl: 60_000 }, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* asking(), "miss: answer 1")
        yield* seconds(58)
        assert.strictEqual(yield* asking(), "hit: answer 1")
        yield* seconds(2)
        assert.strictEqual(yield* asking(), "miss: answer 2")
        assert.strictEqual(yield* asking(), "hit: answer 2")
      })
    )
  )

  it.effect("is only for the caller who asked before: neither another tenant, key nor user", () =>
    withCache({}, () =>
      Effect.gen(function* () {
        const callers: ReadonlyArray<Caller> = [
          local,
          { ...local, tenant: "other" },
          { ...local, key: "k1" },
          { ...local, key: "k2" },
          { ...local, user: "u1" }
        ]
        const first = yield* Effect.forEach(callers, (caller) => asking(zero(), caller))
        assert.deepStrictEqual(
          first,
          callers.map((_, n) => `miss: answer ${n + 1}`)
        )
        const second = yield* Effect.forEach(callers, (caller) => asking(zero(), caller))
        assert.deepStrictEqual(
          second,
          callers.map((_, n) => `hit: answer ${n + 1}`)
        )
      })
    )
  )

  it.effect("is only for the model and the question that was asked", () =>
    withCache({}, () =>
      Effect.gen(function* () {
        const others = [
          zero(),
          zero({ model: "n" }),
          zero({ messages: [{ role: "user", content: "hi!" }] }),
          zero({ seed: 1 }),
          zero({ user: "u" })
        ]
        for (const [n, other] of others.entries()) assert.strictEqual(yield* asking(other), `miss: answer ${n + 1}`)
        assert.strictEqual(yield* asking(zero({ seed: 1 })), "hit: answer 4")
      })
    )
  )

  it.effect("is given for every temperature where the policy is `all`, and else only for 0 and for embeddings", () =>
    Effect.gen(function* () {
      const warm = request({ temperature: 0.5 })
      const twice = Effect.zip(asking(warm), asking(warm))
      assert.deepStrictEqual(yield* withCache({}, () => twice), ["bypass: answer 1", "bypass: answer 2"])
      assert.deepStrictEqual(yield* withCache({ policy: "all" }, () => twice), ["miss: answer 1", "hit: answer 1"])
      const json = { model: "m", input: "x" }
      const embeddings = Either.getOrThrow(PlainIn.decodeEmbeddings(Buffer.from(JSON.stringify(json)), json))
      const both = Effect.zip(whole(embeddings), whole(embeddings))
      const [one, other] = yield* withCache({}, () => both)
      assert.deepStrictEqual([one.cache, other.cache], ["miss", "hit"])
    })
  )

  it.effect("is neither looked for nor kept as long as the cache is not enabled", () =>
    withCache({ enabled: false }, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* asking(), "bypass: answer 1")
        assert.strictEqual(yield* asking(), "bypass: answer 2")
        const { stats } = yield* ResponseCache
        const { entries, misses } = yield* stats
        assert.deepStrictEqual([entries, misses], [0, 0])
      })
    )
  )

  it.effect("is enabled, and its time is changed, while the gateway runs", () =>
    withCache({ enabled: false }, () =>
      Effect.gen(function* () {
        const catalog = yield* Catalog
        assert.strictEqual(yield* asking(), "bypass: answer 1")
        catalog.setSettings(configured())
        assert.strictEqual(yield* asking(), "miss: answer 2")
        assert.strictEqual(yield* asking(), "hit: answer 2")
        catalog.setSettings(configured({ ttl: 1_000 }))
        assert.strictEqual(yield* asking(), "miss: answer 3")
      })
    )
  )

  it.effect("is forgotten when others serve its model from now on, and is not given for a model out of service", () =>
    withCache({}, () =>
      Effect.gen(function* () {
        const catalog = yield* Catalog
        assert.strictEqual(yield* asking(), "miss: answer 1")
        const other = { ...model("m", ["b"]), id: "m" }
        catalog.setSettings(configured({}, { models: [other] }))
        assert.strictEqual((yield* whole()).instance, "b")
        catalog.setSettings(configured({}, { models: [{ ...other, enabled: false }] }))
        assert.strictEqual((yield* Effect.flip(whole()))._tag, "ModelNotServed")
        catalog.setSettings(configured())
        assert.strictEqual(yield* asking(), "hit: answer 1")
      })
    )
  )

  it.effect("is told to whoever listens, with who asked and what it saved", () =>
    withCache({}, () =>
      Effect.gen(function* () {
        const heard: Array<Given> = []
        const cache = yield* ResponseCache
        cache.listen((given) => heard.push(given))
        const caller = { ...local, tenant: "t" }
        const { cost } = yield* whole(zero(), caller)
        yield* whole(zero(), caller)
        const [{ request: asked, usage, ...given } = assert.fail("nobody was told"), ...more] = heard
        assert.isEmpty(more)
        assert.strictEqual(asked.model, "m")
        assert.strictEqual(usage?.output, 2)
        assert.deepStrictEqual(given, {
          how: "hit",
          caller,
          id: undefined,
          provider: "simulated",
          instance: "a",
          model: "m",
          saved: cost,
          savedMs: 100
        })
        const { hits, misses, saved, savedMs } = yield* cache.stats
        assert.deepStrictEqual([hits, misses, saved, savedMs], [1, 1, cost, 100])
      })
    )
  )
})

describe("cache-control of a request", () => {
  it.effect("no-cache asks anew and keeps the new answer; no-store neither looks nor keeps", () =>
    withCache({}, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* asking(saying("no-store")), "bypass: answer 1")
        assert.strictEqual(yield* asking(), "miss: answer 2")
        assert.strictEqual(yield* asking(saying("no-store")), "bypass: answer 3")
        assert.strictEqual(yield* asking(), "hit: answer 2")
        assert.strictEqual(yield* asking(saying("no-cache")), "miss: answer 4")
        assert.strictEqual(yield* asking(), "hit: answer 4")
      })
    )
  )

  it.effect("max-age takes nothing older, and the new answer replaces it", () =>
    withCache({}, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* asking(), "miss: answer 1")
        yield* seconds(10)
        assert.strictEqual(yield* asking(saying("max-age=60")), "hit: answer 1")
        assert.strictEqual(yield* asking(saying("max-age=5")), "miss: answer 2")
        assert.strictEqual(yield* asking(saying("max-age=5")), "hit: answer 2")
      })
    )
  )

  it.effect("only-if-cached asks nobody, whatever else it says", () =>
    withCache({}, () =>
      Effect.gen(function* () {
        const refused = (asked: ChatRequest) => Effect.map(Effect.flip(whole(asked)), ({ _tag }) => _tag)
        assert.strictEqual(yield* refused(saying("only-if-cached")), "NotCached")
        yield* whole()
        assert.strictEqual(yield* asking(saying("only-if-cached")), "hit: answer 1")
        assert.strictEqual(yield* refused(saying("only-if-cached, no-cache")), "NotCached")
        assert.strictEqual(yield* refused(saying("only-if-cached, no-store")), "NotCached")
        assert.strictEqual(yield* refused(saying("only-if-cached", request())), "NotCached")
        assert.strictEqual(yield* callsOf("a"), 1)
        yield* Effect.map(Catalog, ({ setSettings }) => setSettings(configured({ enabled: false })))
        assert.strictEqual(yield* refused(saying("only-if-cached")), "NotCached")
      })
    )
  )
})

describe("what the cache counts", () => {
  it.effect("are the requests that were looked for: not those of no-cache, but those that were refused, too", () =>
    withCache({}, () =>
      Effect.gen(function* () {
        const counted = Effect.flatMap(ResponseCache, ({ stats }) =>
          Effect.map(stats, ({ hits, misses }) => [hits, misses])
        )
        yield* Effect.flip(whole(saying("only-if-cached")))
        assert.deepStrictEqual(yield* counted, [0, 1])
        yield* whole()
        yield* whole()
        yield* whole(saying("only-if-cached"))
        assert.deepStrictEqual(yield* counted, [2, 2])
        yield* whole(saying("no-cache"))
        yield* whole(saying("max-age=0"))
        yield* whole(saying("no-store"))
        yield* Effect.flip(whole(saying("only-if-cached, no-cache")))
        assert.deepStrictEqual(yield* counted, [2, 2])
        yield* seconds(10)
        yield* whole(saying("max-age=5"))
        assert.deepStrictEqual(yield* counted, [2, 3])
      })
    )
  )
})

describe("an answer that is not complete", () => {
  const ended =
    (finish_reason: string | null): SimulatedReply =>
    () =>
      Simulated.whole(1, 200, {
        id: "x",
        object: "chat.completion",
        created: 1,
        model: "m",
        choices: [{ index: 0, message: { role: "assistant", content: "hal" }, finish_reason }]
      })

  it.effect("is not kept: a failure, or one that a filter has cut or that never says why it ended", () =>
    withCache(
      {},
      () =>
        Effect.gen(function* () {
          assert.strictEqual((yield* Effect.flip(whole()))._tag, "ProviderFailed")
          for (let n = 1; n <= 3; n++) assert.strictEqual((yield* whole()).cache, "miss")
          assert.strictEqual(yield* asking(), "miss: answer 4")
          assert.strictEqual(yield* asking(), "hit: answer 4")
        }),
      [
        Simulated.failure(400, { message: "no" }),
        ended("content_filter"),
        ended(null),
        ended("of_old_age"),
        numbered(4)
      ]
    )
  )

  it.effect("is not kept when it is longer than an entry may be", () =>
    withCache({ maxEntryBytes: 100 }, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual([yield* asking(), yield* asking()], ["miss: answer 1", "miss: answer 2"])
      })
    )
  )

  it.effect("is answered by another provider where its choice ended in an error", () =>
    withCache(
      {},
      () =>
        Effect.gen(function* () {
          yield* Effect.flatMap(Simulator, ({ script }) => script("b", numbered(7), numbered(8)))
          const first = yield* whole(zero({ model: "both" }))
          assert.deepStrictEqual([said(first), first.fallback], ["miss: answer 7", true])
          assert.strictEqual(first.attempts[0]?.category, "provider_unavailable")
          const second = yield* whole(zero({ model: "both", seed: 1 }))
          assert.deepStrictEqual([said(second), second.fallback], ["miss: answer 8", true])
        }),
      [ended("error"), ended("insufficient_system_resource")]
    )
  )

  it.effect("is kept with no more of what was dropped than a caller is shown, however much that was", () =>
    withCache({}, () =>
      Effect.gen(function* () {
        const dropping = (names: ReadonlyArray<string>) =>
          Effect.gen(function* () {
            const members = Object.fromEntries(names.map((name) => [name, 1]))
            const json = { model: "m", max_tokens: 9, temperature: 0, messages: [{ role: "user", content: "hi" }] }
            const body = { ...json, ...members }
            const { decodeRequest } = fronts["anthropic-messages"]
            const asked = Either.getOrThrow(decodeRequest(Buffer.from(JSON.stringify(body)), body))
            const [first, second] = [yield* whole(asked), yield* whole(asked)]
            assert.deepStrictEqual([first.cache, second.cache], ["miss", "hit"])
            assert.deepStrictEqual(first.dropped, names)
            return second.dropped
          })
        assert.deepStrictEqual(yield* dropping(["one", "two"]), ["one", "two"])
        const long = ["a".repeat(200), "b".repeat(1_000_000), "c"]
        assert.strictEqual((yield* dropping(long)).join(","), long.join(",").slice(0, 256))
        const many = Array.from({ length: 10_000 }, (_, n) => `member${n + 10_000}`)
        assert.strictEqual((yield* dropping(many)).join(",").slice(0, 256), many.join(",").slice(0, 256))
        const { bytes } = yield* Effect.flatMap(ResponseCache, ({ stats }) => stats)
        assert.isBelow(bytes, 10_000)
      })
    )
  )

  it.effect("is kept when somebody else gave it", () =>
    withCache(
      {},
      () =>
        Effect.gen(function* () {
          yield* Effect.flatMap(Simulator, ({ script }) => script("b", numbered(7)))
          const first = yield* whole(zero({ model: "both" }))
          const second = yield* whole(zero({ model: "both" }))
          assert.deepStrictEqual([first.cache, first.fallback, first.instance], ["miss", true, "b"])
          assert.deepStrictEqual([second.cache, second.fallback, second.instance], ["hit", false, "b"])
        }),
      [Simulated.unavailable]
    )
  )
})

describe("a stream from the cache", () => {
  it.effect("has the very bytes of the first one, and its usage", () =>
    withCache({}, () =>
      Effect.gen(function* () {
        const first = (yield* opening(stream)).start()
        yield* seconds(1)
        const second = (yield* opening(stream)).start()
        assert.strictEqual(first.text, "answer 1")
        assert.deepStrictEqual(second.bytes, first.bytes)
        assert.deepStrictEqual([first.reply.cache, second.reply.cache], ["miss", "hit"])
        assert.deepStrictEqual([first.reply.cost, second.reply.cost], [undefined, Money.zero])
        const { attempts, cost, error, served, usage } = second.end ?? assert.fail("it has not ended")
        assert.deepStrictEqual([attempts, cost, error, usage], [[], Money.zero, undefined, first.end?.usage])
        assert.deepStrictEqual([served.cache, served.saved, first.end?.served.cache], ["hit", first.end?.cost, "miss"])
        assert.strictEqual(yield* callsOf("a"), 1)
      })
    )
  )

  it.effect("comes as events to a program, as the first one did", () =>
    withCache({}, () =>
      Effect.gen(function* () {
        const service = yield* Gateway
        const read = (asked: ChatRequest) =>
          Effect.gen(function* () {
            const fiber = yield* Effect.fork(Stream.runCollect(service.stream(asked)))
            yield* seconds(1)
            const events = [...(yield* Fiber.join(fiber))]
            const end = events.at(-1)
            return { events: events.slice(0, -1), cache: end?._tag === "End" ? end.cache : undefined }
          })
        // It is streamed without saying so, and must not be taken for a whole one.
        assert.strictEqual(yield* asking(), "miss: answer 1")
        const first = yield* read(zero())
        const second = yield* read(zero())
        assert.deepStrictEqual([first.cache, second.cache], ["miss", "hit"])
        assert.deepStrictEqual(second.events, first.events)
        assert.strictEqual(yield* asking(), "hit: answer 1")
      })
    )
  )

  it.effect("is given as slowly as it is taken", () => {
    const words = Array.from({ length: 500 }, (_, n) => `word${n}`).join(" ")
    return withCache(
      {},
      () =>
        Effect.gen(function* () {
          const first = (yield* opening(stream)).start()
          yield* seconds(60)
          assert.strictEqual(first.text, words)
          const { reply } = yield* opening(stream)
          const pieces: Array<Buffer> = []
          let ended = false
          reply.start({
            onFrames: (frames) => {
              pieces.push(Buffer.concat(frames))
              reply.pause()
            },
            onEnd: () => {
              ended = true
            }
          })
          for (let taken = 1; !ended; taken++) {
            assert.lengthOf(pieces, taken)
            reply.resume()
          }
          assert.isAbove(pieces.length, 10)
          assert.deepStrictEqual(Buffer.concat(pieces), first.bytes)
        }),
      [Simulated.answer(words)]
    )
  })

  it.effect("says nothing more when it is left", () =>
    withCache({}, () =>
      Effect.gen(function* () {
        ;(yield* opening(stream)).start()
        yield* seconds(1)
        const { reply } = yield* opening(stream)
        let heard = 0
        reply.start({
          onFrames: () => {
            heard++
            assert.strictEqual(reply.cancel().served.cache, "hit")
          },
          onEnd: () => assert.fail("it was left")
        })
        reply.resume()
        assert.strictEqual(heard, 1)
      })
    )
  )

  const broken =
    (...frames: ReadonlyArray<Buffer>): SimulatedReply =>
    () => [
      { after: 0, head: { status: 200, headers: eventStream } },
      ...frames.map((data) => ({ after: 10, data })),
      { after: 10, end: "end" }
    ]

  it.effect("is never one that broke, was cut by a filter, never says why it ended, was left or was too long", () =>
    withCache(
      { maxEntryBytes: 2_000 },
      () =>
        Effect.gen(function* () {
          const broke = (yield* opening(stream)).start()
          yield* seconds(1)
          assert.strictEqual(broke.end?.error?.category, "network")
          const cut = (yield* opening(stream)).start()
          yield* seconds(1)
          assert.isUndefined((cut.end ?? assert.fail("it has not ended")).error)
          const unsaid = (yield* opening(stream)).start()
          yield* seconds(1)
          assert.isUndefined((unsaid.end ?? assert.fail("it has not ended")).error)
          const left = (yield* opening(stream)).start()
          left.reply.cancel()
          yield* seconds(1)
          const long = (yield* opening(stream)).start()
          yield* seconds(60)
          assert.isAbove(long.bytes.length, 2_000)
          assert.isUndefined((long.end ?? assert.fail("it has not ended")).error)
          const last = (yield* opening(stream)).start()
          yield* seconds(1)
          assert.deepStrictEqual(
            [broke, cut, unsaid, left, long, last].map(({ reply }) => reply.cache),
            Array.from({ length: 6 }, () => "miss")
          )
          assert.strictEqual((yield* opening(stream)).reply.cache, "hit")
        }),
      [
        Simulated.brokenOff("one two"),
        broken(says("hi"), chunk({}, "content_filter")),
        broken(says("hi"), done),
        Simulated.answer("one two three"),
        Simulated.answer("word ".repeat(500)),
        Simulated.answer("short")
      ]
    )
  )

  it.effect("is pulled from its provider no faster than it is taken while it is written down", () =>
    withCache(
      {},
      () =>
        Effect.gen(function* () {
          const taken = (yield* opening(stream)).start()
          taken.reply.pause()
          const before = taken.text
          yield* seconds(10)
          assert.strictEqual(taken.text, before)
          taken.reply.resume()
          yield* seconds(10)
          assert.strictEqual(taken.text, "one two three four")
        }),
      [Simulated.answer("one two three four")]
    )
  )
})

describe("identical requests in flight", () => {
  const coalesce = { coalesce: true }

  it.effect("are asked one by one as long as the operator does not say otherwise", () =>
    withCache({}, () =>
      Effect.gen(function* () {
        const { complete } = yield* Gateway
        const fibers = yield* Effect.forEach([1, 2], () => Effect.fork(complete(zero())))
        yield* seconds(1)
        assert.deepStrictEqual((yield* Fiber.joinAll(fibers)).map(said), ["miss: answer 1", "miss: answer 2"])
      })
    )
  )

  it.effect("are answered by one call, for which the first one pays", () =>
    withCache(coalesce, () =>
      Effect.gen(function* () {
        const { complete } = yield* Gateway
        const requests = [zero(), zero(), zero({ model: "n" }), zero()]
        const fibers = yield* Effect.forEach(requests, (asked) => Effect.fork(complete(asked)))
        yield* seconds(1)
        const replies = yield* Fiber.joinAll(fibers)
        assert.deepStrictEqual(replies.map(said), [
          "miss: answer 1",
          "hit: answer 1",
          "miss: answer 2",
          "hit: answer 1"
        ])
        assert.deepStrictEqual(
          replies.map(({ attempts, cost, saved }) => [attempts.length, cost === Money.zero, saved]),
          [
            [1, false, undefined],
            [0, true, replies[0]?.cost],
            [1, false, undefined],
            [0, true, replies[0]?.cost]
          ]
        )
        const { coalesced, hits } = yield* Effect.flatMap(ResponseCache, ({ stats }) => stats)
        assert.deepStrictEqual([coalesced, hits], [2, 0])
        assert.strictEqual(yield* asking(), "hit: answer 1")
      })
    )
  )

  it.effect("are asked for each caller, and anew for who says no-cache", () =>
    withCache(coalesce, () =>
      Effect.gen(function* () {
        const { complete } = yield* Gateway
        const asks = [complete(zero()), complete(zero(), { ...local, key: "k" }), complete(saying("no-cache"))]
        const fibers = yield* Effect.forEach(asks, Effect.fork)
        yield* seconds(1)
        const replies = yield* Fiber.joinAll(fibers)
        assert.deepStrictEqual(replies.map(said), ["miss: answer 1", "miss: answer 2", "miss: answer 3"])
      })
    )
  )

  it.effect("go on when the first one hangs up, and end when all have", () =>
    withCache(coalesce, () =>
      Effect.gen(function* () {
        const { complete } = yield* Gateway
        const simulator = yield* Simulator
        const [first, second] = [yield* Effect.fork(complete(zero())), yield* Effect.fork(complete(zero()))]
        yield* TestClock.adjust("10 millis")
        yield* Fiber.interrupt(first)
        yield* seconds(1)
        assert.strictEqual(said(yield* Fiber.join(second)), "hit: answer 1")
        assert.strictEqual(yield* simulator.aborted("a"), 0)
        const both = yield* Effect.forEach([1, 2], () => Effect.fork(complete(zero({ seed: 1 }))))
        yield* TestClock.adjust("10 millis")
        yield* Fiber.interruptAll(both)
        assert.strictEqual(yield* simulator.aborted("a"), 1)
        assert.strictEqual(yield* asking(zero({ seed: 1 })), "miss: answer 3")
      })
    )
  )

  it.effect("share what follows on a failure, and the failure, with those who wait and nobody else", () =>
    withCache(
      coalesce,
      () =>
        Effect.gen(function* () {
          const { complete } = yield* Gateway
          yield* Effect.flatMap(Simulator, ({ script }) => script("b", numbered(7)))
          const two = (asked: ChatRequest) => Effect.forEach([1, 2], () => Effect.fork(Effect.either(complete(asked))))
          const fallen = yield* two(zero({ model: "both" }))
          yield* seconds(1)
          const answers = (yield* Fiber.joinAll(fallen)).map(Either.getOrThrow)
          assert.deepStrictEqual(answers.map(said), ["miss: answer 7", "hit: answer 7"])
          assert.deepStrictEqual([yield* callsOf("a"), yield* callsOf("b")], [1, 1])
          const failed = yield* two(zero())
          yield* seconds(1)
          const failures = (yield* Fiber.joinAll(failed)).map(Either.flip).map(Either.getOrThrow)
          assert.deepStrictEqual(
            failures.map(({ _tag }) => _tag),
            ["ProviderFailed", "ProviderFailed"]
          )
          assert.strictEqual(yield* callsOf("a"), 2)
          assert.strictEqual(yield* asking(), "miss: answer 9")
        }),
      [Simulated.unavailable, Simulated.failure(400, { message: "no" }), numbered(9)]
    )
  )

  it.effect("end after a failure when all have hung up", () =>
    withCache(
      coalesce,
      () =>
        Effect.gen(function* () {
          const { complete } = yield* Gateway
          yield* Effect.flatMap(Simulator, ({ script }) => script("b", Simulated.hang))
          const fibers = yield* Effect.forEach([1, 2], () => Effect.fork(complete(zero({ model: "both" }))))
          yield* seconds(1)
          assert.strictEqual(yield* callsOf("b"), 1)
          yield* Fiber.interruptAll(fibers)
          yield* TestClock.adjust(0)
          const aborted = yield* Effect.flatMap(Simulator, (simulator) => simulator.aborted("b"))
          assert.strictEqual(aborted, 1)
        }),
      [Simulated.unavailable]
    )
  )

  it.effect("share a stream: from its beginning, also for who comes in its middle", () =>
    withCache(
      coalesce,
      () =>
        Effect.gen(function* () {
          const { open } = yield* Gateway
          const fibers = yield* Effect.forEach([1, 2], () => Effect.fork(open(stream)))
          yield* TestClock.adjust("105 millis")
          const [first, second] = (yield* Fiber.joinAll(fibers)).map((reply) => new Taken(reply).start())
          yield* TestClock.adjust("15 millis")
          const third = (yield* opening(stream)).start()
          yield* seconds(1)
          assert.strictEqual(first?.text, "one two three four")
          assert.deepStrictEqual([second?.bytes, third.bytes], [first?.bytes, first?.bytes])
          assert.deepStrictEqual(
            [first, second, third].map((taken) => [
              taken?.reply.cache,
              taken?.end?.attempts.length,
              taken?.end?.served.saved
            ]),
            [
              ["miss", 1, undefined],
              ["hit", 0, first?.end?.cost],
              ["hit", 0, first?.end?.cost]
            ]
          )
          assert.strictEqual(yield* callsOf("a"), 1)
        }),
      [Simulated.answer("one two three four")]
    )
  )

  it.effect("keep a stream alive while anybody reads it, and no longer", () =>
    withCache(
      coalesce,
      () =>
        Effect.gen(function* () {
          const { open } = yield* Gateway
          const simulator = yield* Simulator
          const pair = (asked: ChatRequest) =>
            Effect.gen(function* () {
              const fibers = yield* Effect.forEach([1, 2], () => Effect.fork(open(asked)))
              yield* TestClock.adjust("105 millis")
              return (yield* Fiber.joinAll(fibers)).map((reply) => new Taken(reply).start())
            })
          const [first, second] = yield* pair(stream)
          const left = first?.reply.cancel()
          assert.deepStrictEqual([left?.served.cache, left?.attempts.length, left?.cost], ["miss", 1, undefined])
          yield* seconds(1)
          assert.deepStrictEqual([second?.text, yield* simulator.aborted("a")], ["one two three", 0])
          assert.strictEqual((yield* opening(stream)).reply.cache, "hit")
          for (const { reply } of yield* pair(zero({ stream: true, seed: 1 }))) reply.cancel()
          assert.strictEqual(yield* simulator.aborted("a"), 1)
        }),
      [Simulated.answer("one two three")]
    )
  )
})

describe("who joined a stream and is interrupted before holding it", () => {
  it.effect("has left it: it ends when all others have", () =>
    withCache(
      { coalesce: true },
      () =>
        Effect.gen(function* () {
          const { open, startOpen } = yield* Gateway
          const simulator = yield* Simulator
          const timers = Timers.ofClock(yield* Effect.clock)
          let leading: ChatReplyStream | undefined
          startOpen(
            timers,
            stream,
            local
          )((outcome) => {
            leading = Either.getOrThrow(Either.mapLeft(outcome, () => new Error("it must begin at once")))
            // The joiner has been told by the time that it hears of this, and has not run since.
            joining.unsafeInterruptAsFork(FiberId.none)
          })
          const joining = yield* Effect.fork(open(stream))
          yield* TestClock.adjust("105 millis")
          assert.isTrue(Exit.isInterrupted(yield* Fiber.await(joining)))
          const taken = new Taken(leading ?? assert.fail("it has not begun")).start()
          yield* TestClock.adjust("15 millis")
          assert.deepStrictEqual([taken.text, taken.end], ["one two three", undefined])
          taken.reply.cancel()
          assert.strictEqual(yield* simulator.aborted("a"), 1)
          const { coalesced } = yield* Effect.flatMap(ResponseCache, ({ stats }) => stats)
          assert.strictEqual(coalesced, 1)
        }),
      [Simulated.answer("one two three four")]
    )
  )
})

describe("an answer that has expired", () => {
  const stale = { ttl: 60_000, staleIfError: 3_600_000 }
  const then = (...failures: ReadonlyArray<SimulatedReply>) => [numbered(1), ...failures]

  it.effect("is given where the providers fail, marked and logged, as often as that is so", () =>
    withCache(
      stale,
      (log) =>
        Effect.gen(function* () {
          yield* whole()
          yield* seconds(120)
          const reply = yield* whole()
          assert.strictEqual(said(reply), "stale: answer 1")
          assert.deepStrictEqual([reply.age, reply.cost, reply.attempts.length], [121_000, Money.zero, 1])
          assert.match(
            log.join("\n"),
            /level=WARN.*all providers failed, so an answer was given that had expired.*model=m/
          )
          assert.strictEqual(yield* asking(), "stale: answer 1")
          const { staleHits } = yield* Effect.flatMap(ResponseCache, ({ stats }) => stats)
          assert.strictEqual(staleHits, 2)
          yield* seconds(3_600)
          assert.strictEqual((yield* Effect.flip(whole()))._tag, "ProviderFailed")
        }),
      then(Simulated.unavailable)
    )
  )

  it.effect("is given as a stream too", () =>
    withCache(
      stale,
      () =>
        Effect.gen(function* () {
          const first = (yield* opening(stream)).start()
          yield* seconds(120)
          const second = (yield* opening(stream)).start()
          assert.deepStrictEqual([second.reply.cache, second.bytes], ["stale", first.bytes])
          assert.strictEqual(second.end?.served.cache, "stale")
        }),
      then(Simulated.unavailable)
    )
  )

  it.effect("is given to all who wait for the same", () =>
    withCache(
      { ...stale, coalesce: true },
      () =>
        Effect.gen(function* () {
          const { complete } = yield* Gateway
          yield* whole()
          yield* seconds(120)
          const fibers = yield* Effect.forEach([1, 2], () => Effect.fork(complete(zero())))
          yield* seconds(1)
          assert.deepStrictEqual((yield* Fiber.joinAll(fibers)).map(said), ["stale: answer 1", "stale: answer 1"])
          assert.strictEqual(yield* callsOf("a"), 2)
        }),
      then(Simulated.unavailable)
    )
  )

  it.effect("is given to each who waits for the same as far as the own request takes it, whoever leads", () =>
    withCache(
      { ...stale, coalesce: true },
      () =>
        Effect.gen(function* () {
          const { complete } = yield* Gateway
          yield* whole()
          yield* seconds(120)
          const strict = saying("max-age=10")
          const tolerant = saying("max-age=600")
          const failed = ["ProviderFailed", 1]
          const cases: ReadonlyArray<readonly [ReadonlyArray<ChatRequest>, unknown]> = [
            [
              [strict, zero(), tolerant],
              [failed, ["stale", 0], ["stale", 0]]
            ],
            [
              [zero(), strict, tolerant],
              [["stale", 1], failed, ["stale", 0]]
            ]
          ]
          for (const [asked, expected] of cases) {
            const before = yield* callsOf("a")
            const fibers = yield* Effect.forEach(asked, (each) => Effect.fork(Effect.either(complete(each))))
            yield* seconds(1)
            const ends = (yield* Fiber.joinAll(fibers)).map(Either.merge)
            const told = ends.map((end) => [
              "_tag" in end ? end._tag : end.cache,
              "attempts" in end && end.attempts.length
            ])
            assert.deepStrictEqual<unknown>(told, expected)
            assert.strictEqual(yield* callsOf("a"), before + 1)
          }
        }),
      then(Simulated.unavailable)
    )
  )

  it.effect("is not given when it has become too old for the request while all failed", () =>
    withCache(
      stale,
      () =>
        Effect.gen(function* () {
          yield* whole()
          yield* seconds(120.05)
          assert.strictEqual((yield* Effect.flip(whole(saying("max-age=121"))))._tag, "ProviderFailed")
          assert.strictEqual((yield* whole(saying("max-age=123"))).cache, "stale")
        }),
      then(Simulated.unavailable)
    )
  )

  it.effect("is not given for the caller's mistakes, nor where the caller or the operator does not want it", () =>
    withCache(
      stale,
      () =>
        Effect.gen(function* () {
          yield* whole()
          yield* seconds(120)
          const failed = (asked?: ChatRequest) => Effect.map(Effect.flip(whole(asked)), ({ _tag }) => _tag)
          assert.strictEqual(yield* failed(), "ProviderFailed")
          assert.strictEqual(yield* failed(saying("no-cache")), "ProviderFailed")
          assert.strictEqual(yield* failed(saying("max-age=10")), "ProviderFailed")
          assert.strictEqual(yield* failed(saying("only-if-cached")), "NotCached")
          const catalog = yield* Catalog
          catalog.setSettings(configured({ ttl: 60_000 }))
          assert.strictEqual(yield* failed(), "ProviderFailed")
        }),
      then(Simulated.failure(400, { message: "no" }), Simulated.unavailable)
    )
  )
})
