/**
 * What a program sees of the routing: who would be asked and why, what the circuits do, and which call served.
 * `npx tsx examples/routing.ts`; everything is simulated, and nothing costs anything.
 */
import { Console, Effect, Either, Queue } from "effect"
import { chatRequest, Circuits, Explain, Gateway, Orelse, Planner, Simulated, Simulator } from "orelse"

const GatewayLive = Orelse.layerConfig({
  instances: [
    { id: "cheap", provider: "simulated", pricing: { prompt: 0.1, completion: 0.4 }, retry: { maxAttempts: 1 } },
    { id: "dear", provider: "simulated", pricing: { prompt: 2.5, completion: 10 } }
  ],
  routing: { strategy: "cost-optimized" },
  circuitBreaker: { failureThreshold: 2 }
})

const explained = Effect.gen(function* () {
  const { knowledge } = yield* Planner
  const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
  const { recommendation } = yield* Explain.make("gpt-4o-mini", knowledge(now))
  yield* Console.log(recommendation)
})

const asked = Effect.gen(function* () {
  const gateway = yield* Gateway
  const request = yield* chatRequest({ model: "gpt-4o-mini", messages: [{ role: "user", content: "Hello" }] })
  const reply = yield* Effect.either(gateway.complete(request))
  yield* Console.log(Either.isRight(reply) ? `${reply.right.instance} answered` : reply.left.message)
})

const program = Effect.gen(function* () {
  const simulator = yield* Simulator
  const changes = yield* Circuits.subscribe
  yield* explained
  yield* simulator.script("cheap", Simulated.unavailable)
  yield* asked
  yield* asked
  for (const { event_type, instance } of yield* Queue.takeAll(changes)) yield* Console.log(`${instance}: ${event_type}`)
  yield* explained
}).pipe(Effect.scoped)

Effect.runPromise(Effect.provide(program, GatewayLive)).catch((error: unknown) => {
  process.exitCode = 1
  process.stderr.write(`${String(error)}\n`)
})
