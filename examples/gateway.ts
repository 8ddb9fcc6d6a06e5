/**
 * The gateway inside of a program, without HTTP: `npx tsx examples/gateway.ts`. Both providers are simulated, so it needs
 * no key and no network; the first one is always overloaded, so the second one answers.
 */
import { Console, Effect, Stream } from "effect"
import { type ChatReply, chatRequest, Gateway, type GatewayError, Money, Orelse, textOf } from "orelse"

// In the form of the config file. With `provider: "openai", apiKey: "${OPENAI_API_KEY}"`, and `process.env` as the second
// argument, it is real.
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

const question = {
  model: "gpt-4o-mini",
  messages: [{ role: "user", content: "What happens when a provider is down?" }]
}

/** A whole answer. */
const complete = Effect.gen(function* () {
  const gateway = yield* Gateway
  const reply = yield* gateway.complete(yield* chatRequest(question))
  yield* Console.log(textOf(reply.answer))
  yield* account(reply)
})

/** The same, word by word; the last event says who it was. */
const stream = Effect.gen(function* () {
  const gateway = yield* Gateway
  const events = gateway.stream(yield* chatRequest(question))
  yield* Stream.runForEach(events, (event) => {
    if (event._tag === "Text") return Effect.sync(() => process.stdout.write(event.text))
    return event._tag === "End" ? Effect.zipRight(Console.log(), account(event)) : Effect.void
  })
})

/** Who answered, which calls it took, and what it cost. */
const account = ({ attempts, cost, instance, model }: Pick<ChatReply, "attempts" | "cost" | "instance" | "model">) =>
  Effect.gen(function* () {
    yield* Console.log(`  answered by ${instance} with ${model}`)
    for (const attempt of attempts) {
      yield* Console.log(`  ${attempt.instance}: ${attempt.category ?? attempt.outcome}, ${Math.round(attempt.ms)} ms`)
    }
    yield* Console.log(`  cost: ${cost === undefined ? "unknown" : `${Money.toUsd(cost)} USD`}`)
  })

/** A request may forbid its own fallback: then the failure of the first provider is the result. */
const withoutFallback = Effect.gen(function* () {
  const gateway = yield* Gateway
  const reply = yield* gateway.complete(yield* chatRequest({ ...question, fallback: { enabled: false } }))
  yield* Console.log(textOf(reply.answer))
})

/** Every way to fail is in the type, and says what can be done about it. */
const explained = <R>(request: Effect.Effect<void, GatewayError.GatewayError, R>) =>
  request.pipe(
    Effect.catchTags({
      RequestRejected: ({ message }) => Console.log(`the request is wrong: ${message}`),
      ModelNotServed: ({ model }) => Console.log(`nobody is configured for ${model}`),
      ProviderFailed: ({ attempts, error }) =>
        Console.log(`${error.instance} failed ${attempts.length} times: ${error.message}`),
      FallbackExhausted: ({ message, retryAfterMs }) => Console.log(`${message}; again in ${retryAfterMs ?? "?"} ms`),
      DeadlineExceeded: ({ deadlineMs }) => Console.log(`nobody answered within ${deadlineMs} ms`)
    })
  )

const program = Effect.forEach([complete, stream, withoutFallback], explained).pipe(
  Effect.provide(GatewayLive),
  // A mistake in the configuration comes before anything is asked: every problem, each with the path of its field.
  Effect.catchTag("ConfigError", ({ message }) => Console.error(message))
)

await Effect.runPromise(program)
