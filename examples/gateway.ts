/**
 * The gateway inside of a program, without HTTP: `npx tsx examples/gateway.ts`. Both providers are simulated, so it needs
 * no key and no network; the first one is overloaded, so the second one answers.
 */
import { Console, Effect, Stream } from "effect"
import { chatRequest, Gateway, Money, Orelse, textOf, Usage } from "orelse"

// The form of the config file. With `provider: "openai", apiKey: "${OPENAI_API_KEY}"` and `process.env` as a second
// argument it is real.
const GatewayLive = Orelse.layerConfig({
  instances: [
    { id: "primary", provider: "simulated", simulated: { failureRate: 1, failures: ["provider_unavailable"] } },
    { id: "backup", provider: "simulated", pricing: { prompt: 0.15, completion: 0.6 } }
  ],
  models: [
    {
      id: "gpt-4o-mini",
      targets: [
        { instance: "primary", model: "gpt-4o-mini" },
        { instance: "backup", model: "openai/gpt-4o-mini", catch: ["provider_unavailable", "rate_limit", "timeout"] }
      ]
    }
  ]
})

const question = [{ role: "user", content: "What do you do when a provider is down?" }]

const complete = Effect.gen(function* () {
  const gateway = yield* Gateway
  const reply = yield* gateway.complete(yield* chatRequest({ model: "gpt-4o-mini", messages: question }))
  yield* Console.log(textOf(reply.answer))
  yield* Console.log(`answered by ${reply.instance} with ${reply.model}${reply.fallback ? ", a fallback" : ""}`)
  for (const { category, instance, ms, outcome } of reply.attempts) {
    yield* Console.log(`  ${instance}: ${category ?? outcome} after ${Math.round(ms)} ms`)
  }
  yield* Console.log(`cost: ${reply.cost === undefined ? "unknown" : `${Money.toUsd(reply.cost)} USD`}`)
})

const stream = Effect.gen(function* () {
  const gateway = yield* Gateway
  const request = yield* chatRequest({ model: "gpt-4o-mini", messages: question })
  yield* Stream.runForEach(gateway.stream(request), (event) => {
    switch (event._tag) {
      case "Text":
        return Effect.sync(() => process.stdout.write(event.text))
      case "Usage":
        return Console.log(`\n${Usage.total(event.usage)} tokens`)
      default:
        return Effect.void
    }
  })
})

const unknownModel = Effect.gen(function* () {
  const gateway = yield* Gateway
  yield* gateway.complete(
    yield* chatRequest({ model: "claude-sonnet-4-5", messages: question, fallback: { enabled: false } })
  )
})

/** The way in which a request failed says what can be done about it. */
const explained = <A, R>(request: Effect.Effect<A, GatewayError.GatewayError, R>) =>
  request.pipe(
    Effect.catchTags({
      RequestRejected: ({ message, param }) => Console.log(`the request is wrong: ${message} (${param})`),
      ModelNotServed: ({ model }) => Console.log(`nobody is configured for ${model}`),
      ProviderFailed: ({ error }) => Console.log(`${error.instance} failed, and nobody takes over: ${error.category}`),
      FallbackExhausted: ({ attempts }) => Console.log(`all failed: ${attempts.map((call) => call.category)}`),
      DeadlineExceeded: ({ deadlineMs }) => Console.log(`nobody answered within ${deadlineMs} ms`)
    })
  )
