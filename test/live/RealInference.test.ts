import Anthropic from "@anthropic-ai/sdk"
import { assert, describe, layer } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { availableParallelism, loadavg } from "node:os"
import OpenAI from "openai"
import * as Upstream from "../support/upstream.js"
import { eventually } from "./support/command.js"
import { serve, type Serving } from "./support/gateway.js"
import { isHere, note, serveModel, type LocalModel } from "./support/localModel.js"

/** The instances that reach the model: by each of its two APIs. */
const instances = ["compatible", "native"]

const config = (url: string, dying: string) => `
instances:
  - { id: compatible, provider: ollama, baseUrl: '${url}/v1' }
  - { id: native, provider: ollama, dialect: ollama, baseUrl: '${url}' }
  - { id: before-compatible, provider: openai-compatible, baseUrl: '${dying}' }
  - { id: before-native, provider: openai-compatible, baseUrl: '${dying}' }
models:
  - id: spare-compatible
    targets: [{ instance: before-compatible, model: m }, { instance: compatible, model: tiny }]
  - id: spare-native
    targets: [{ instance: before-native, model: m }, { instance: native, model: tiny }]
`

/** A real model, and a gateway in front of it. */
class Running extends Context.Tag("test/live/Running")<
  Running,
  { readonly model: LocalModel; readonly gateway: Serving }
>() {
  static readonly layer = Layer.scoped(
    Running,
    Effect.gen(function* () {
      const model = yield* serveModel
      const dying = yield* Upstream.make(() => [{ end: "reset" }])
      const env = { ORELSE_CONFIG: "orelse.yaml", LOG_FORMAT: "json" }
      const gateway = yield* serve({ env, files: { "orelse.yaml": config(model.url, dying.url) } })
      return Running.of({ model, gateway })
    })
  )
}

const messages = [{ role: "user" as const, content: "Say something in many letters." }]

/** More than anybody waits for. */
const endless = 10_000_000

// Vitest names no suite of which everything is skipped.
if (!isHere) console.warn(`test/live/RealInference.test.ts${note}`)

describe.skipIf(!isHere)(`a real inference${note}`, () => {
  layer(Running.layer, { excludeTestServices: true })((it) => {
    for (const instance of instances) {
      const tiny = `${instance}/tiny`
      const stepped = `${instance}/stepped`

      it.scoped(`by ${instance}: streams what it answers whole, each character unbroken, and says what it took`, () =>
        Effect.gen(function* () {
          const { gateway, model } = yield* Running
          const written = yield* textOf(model.url, { model: "tiny" })
          assert.match(written.text, /[^\0-\u007f]/)
          assert.notInclude(written.text, "\uFFFD")
          assert.strictEqual(written.usage?.completion_tokens, 96)
          assert.deepStrictEqual(yield* textOf(gateway.url, { model: tiny }), written)
          assert.deepStrictEqual(yield* streamedTextOf(gateway.url, { model: tiny }), written)
        })
      )

      it.scoped(`by ${instance}: keeps streams apart that come at the same time`, () =>
        Effect.gen(function* () {
          const { gateway, model } = yield* Running
          const seeds = [1, 2, 3, 4]
          const written = yield* Effect.forEach(seeds, (seed) => textOf(model.url, { model: "tiny", seed }))
          assert.strictEqual(new Set(written.map(({ text }) => text)).size, 4)
          const streams = seeds.map((seed) => streamedTextOf(gateway.url, { model: tiny, seed }))
          assert.deepStrictEqual(yield* Effect.all(streams, { concurrency: 4 }), written)
        })
      )

      it.scoped(`by ${instance}: passes each piece on before the next one is there`, () =>
        Effect.gen(function* () {
          const { gateway, model } = yield* Running
          const opening = yield* Effect.fork(open(gateway.url, { model: stepped, max_tokens: endless }))
          const steps: Array<string> = [yield* model.step]
          const { next } = yield* Fiber.join(opening)
          const pieces = [yield* next]
          while (steps.length < 10) {
            steps.push(yield* model.step)
            pieces.push(yield* next)
          }
          assert.deepStrictEqual(pieces, steps)
        })
      )

      it.scoped(`by ${instance}: stops within a second after the caller of a stream has hung up half way`, () =>
        Effect.gen(function* () {
          const { gateway, model } = yield* Running
          yield* model.isIdle
          const { leave, next } = yield* open(gateway.url, { model: tiny, max_tokens: endless })
          yield* Effect.replicateEffect(next, 20)
          yield* assertStops(model, leave)
          yield* logged(gateway, { asked: tiny, stream: true, status: 499, failure: "cancelled", instance })
        })
      )

      it.scoped(`by ${instance}: stops within a second after the caller of a whole answer has hung up half way`, () =>
        Effect.gen(function* () {
          const { gateway, model } = yield* Running
          const { tokens } = yield* model.isIdle
          const asking = yield* Effect.fork(ask(gateway.url, { model: tiny, max_tokens: endless }))
          yield* model.reaches("tokens to come", (stats) => stats.tokens > tokens + 20)
          yield* assertStops(model, Fiber.interrupt(asking))
          yield* logged(gateway, { asked: tiny, stream: false, status: 499, failure: "cancelled", instance })
        })
      )

      it.scoped(`by ${instance}: stands in for a provider that dies when it is asked`, () =>
        Effect.gen(function* () {
          const { gateway, model } = yield* Running
          const written = yield* textOf(model.url, { model: "tiny" })
          const spare = `spare-${instance}`
          assert.deepStrictEqual(yield* textOf(gateway.url, { model: spare }), written)
          assert.deepStrictEqual(yield* streamedTextOf(gateway.url, { model: spare }), written)
          for (const stream of [false, true]) {
            yield* logged(gateway, { asked: spare, stream, status: 200, fallback: true, instance })
          }
          yield* logged(gateway, { msg: "fallback", from: `before-${instance}`, to: instance, reason: "network" })
        })
      )

      it.scoped(`by ${instance}: streams to a client of Anthropic's what it answers whole`, () =>
        Effect.gen(function* () {
          const { gateway } = yield* Running
          const { messages: client } = new Anthropic({ baseURL: gateway.url, apiKey: "k", maxRetries: 0 })
          // Without a seed: that dialect has none.
          const asked = { model: tiny, messages, max_tokens: 96, temperature: 0 }
          const whole = yield* Effect.promise((signal) => client.create(asked, { signal }))
          const streamed = yield* Effect.promise((signal) => client.stream(asked, { signal }).finalMessage())
          const essence = ({ content, stop_reason: reason, usage }: Anthropic.Message) => ({
            text: content.map((block) => (block.type === "text" ? block.text : block.type)).join(""),
            reason,
            tokens: [usage.input_tokens, usage.output_tokens]
          })
          assert.deepStrictEqual(essence(streamed), essence(whole))
          assert.deepStrictEqual([essence(whole).reason, whole.usage.output_tokens], ["max_tokens", 96])
          assert.match(essence(whole).text, /[^\0-\u007f]/)
          assert.notInclude(essence(whole).text, "\uFFFD")
        })
      )
    }
  })
})

/** The model writes until its caller hangs up, and then no more. */
const assertStops = (model: LocalModel, hangUp: Effect.Effect<unknown>) =>
  Effect.gen(function* () {
    const before = yield* model.stats
    assert.strictEqual(before.running, 1)
    const began = performance.now()
    yield* hangUp
    const { aborted } = yield* model.isIdle
    const ms = Math.round(performance.now() - began)
    yield* Console.log(`stopped after ${ms} ms`)
    assert.strictEqual(aborted, before.aborted + 1)
    const busy = (loadavg()[0] ?? 0) > availableParallelism()
    assert.isBelow(ms, busy ? 5000 : 1000)
  })

type Request = Partial<OpenAI.ChatCompletionCreateParamsNonStreaming> & { readonly model: string }

/** What two answers to the same request have in common. */
interface Essence {
  readonly text: string
  readonly finish: string | null | undefined
  readonly usage: { readonly [Name in "prompt_tokens" | "completion_tokens" | "total_tokens"]: number } | undefined
}

const openai = (url: string) => new OpenAI({ baseURL: `${url}/v1`, apiKey: "k", maxRetries: 0 }).chat.completions

const defaults = { messages, max_tokens: 96, seed: 7 }

const ask = (url: string, request: Request) =>
  Effect.promise((signal) => openai(url).create({ ...defaults, ...request }, { signal }))

const textOf = (url: string, request: Request): Effect.Effect<Essence> =>
  Effect.map(ask(url, request), ({ choices: [choice], usage }) => ({
    text: choice?.message.content ?? "",
    finish: choice?.finish_reason,
    usage: bare(usage)
  }))

const streamedTextOf = (url: string, request: Request): Effect.Effect<Essence> =>
  Effect.promise(async (signal) => {
    const streaming = { stream: true, stream_options: { include_usage: true } } as const
    let [text, finish, usage]: [string, Essence["finish"], Essence["usage"]] = ["", undefined, undefined]
    for await (const chunk of await openai(url).create({ ...defaults, ...request, ...streaming }, { signal })) {
      text += chunk.choices[0]?.delta.content ?? ""
      finish = chunk.choices[0]?.finish_reason ?? finish
      usage = bare(chunk.usage) ?? usage
    }
    return { text, finish, usage }
  })

/** Without the details that one of the two dialects does not have. */
const bare = (usage: OpenAI.CompletionUsage | null | undefined): Essence["usage"] =>
  usage
    ? {
        prompt_tokens: usage.prompt_tokens,
        completion_tokens: usage.completion_tokens,
        total_tokens: usage.total_tokens
      }
    : undefined

/** A stream that has begun, until the scope ends: its next piece of text, when there is one, and how to hang up. */
const open = (url: string, request: Request) =>
  Effect.gen(function* () {
    const leaving = new AbortController()
    const leave = Effect.sync(() => leaving.abort())
    yield* Effect.addFinalizer(() => leave)
    const chunks = yield* Effect.promise(() =>
      openai(url).create({ ...defaults, ...request, stream: true }, { signal: leaving.signal })
    )
    const reader = chunks[Symbol.asyncIterator]()
    const read = Effect.map(
      Effect.promise(() => reader.next()),
      ({ done, value }) => (done === true ? "the end" : (value.choices[0]?.delta.content ?? ""))
    )
    return {
      next: eventually(() => "a piece of the stream", Effect.repeat(read, { until: (text) => text !== "" })),
      leave
    }
  })

/** Waits for a line of the gateway's log that says all this. */
const logged = (gateway: Serving, expected: Readonly<Record<string, unknown>>): Effect.Effect<void> => {
  const says = (line: string): boolean => {
    const entry: Readonly<Record<string, unknown>> = JSON.parse(line)
    return Object.entries(expected).every(([name, value]) => entry[name] === value)
  }
  // What follows the last line feed may be half of a line.
  const lines = Effect.sync(() => gateway.stdout().split("\n").slice(0, -1))
  return eventually(
    () => `${JSON.stringify(expected)} in ${gateway.stdout()}`,
    Effect.filterOrFail(lines, (all) => all.some(says))
  )
}
