import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import type { InstanceSettings } from "../../src/config/Settings.js"
import type { ProviderError } from "../../src/domain/ProviderError.js"
import * as Provider from "../../src/provider/Provider.js"
import type { ProviderStream } from "../../src/provider/StreamCall.js"
import * as Timers from "../../src/provider/Timers.js"
import type { Transport } from "../../src/provider/Transport.js"
import { textOf } from "./chunks.js"
import { request } from "./gateway.js"
import { instance } from "./settings.js"
import type { Network, Wire } from "./wires.js"

/** A whole answer. */
export const hello = Buffer.from(
  JSON.stringify({ model: "m-1", choices: [{ index: 0, message: { content: "hello" } }] })
)

/** A provider, and one call of model `m` to it, on the clock of the test. */
export const calling = (
  made: InstanceSettings,
  transport: Transport["Type"],
  fields: Readonly<Record<string, unknown>> = {},
  over: Partial<Provider.ProviderCall> = {}
) =>
  Effect.clockWith((clock) =>
    Effect.succeed({
      provider: Provider.make(made, transport),
      call: {
        request: request(fields),
        model: "m",
        baseUrl: undefined,
        maxTokens: undefined,
        temperature: undefined,
        timers: Timers.ofClock(clock),
        limit: { at: Number.POSITIVE_INFINITY, phase: "deadline" },
        ...over
      } satisfies Provider.ProviderCall
    })
  )

/** One call of an instance on a network. */
export type Call = (network: Network, made?: InstanceSettings) => Effect.Effect<unknown, ProviderError>

export const complete = (network: Network, made = instance("a"), over: Partial<Provider.ProviderCall> = {}) =>
  Effect.flatMap(calling(made, network.transport, {}, over), ({ call, provider }) => provider.complete(call))

export const stream = (network: Network, made = instance("a"), fields: object = {}) =>
  Effect.flatMap(calling(made, network.transport, { stream: true, ...fields }), ({ call, provider }) =>
    provider.stream(call)
  )

/** Forks a call, and moves the wire that it is made on. */
export const moving = <A, E>(call: Effect.Effect<A, E>, network: Network, move: (wire: Wire) => void) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(call)
    yield* TestClock.adjust(0)
    move(network.only())
    yield* TestClock.adjust(0)
    return fiber
  })

/** Reads a stream to its end. */
export const drained = (made: ProviderStream) =>
  Effect.async<{ readonly bytes: Buffer; readonly error: ProviderError | undefined }>((resume) => {
    const frames: Array<Buffer> = []
    made.start({
      onFrames: (more) => frames.push(...more),
      onEnd: (error) => resume(Effect.succeed({ bytes: Buffer.concat(frames), error }))
    })
  })

/** Starts a stream; what its reader has heard so far can be looked at. */
export const held = (made: ProviderStream) =>
  Effect.sync(() => {
    const frames: Array<Buffer> = []
    let end = "not yet"
    made.start({
      onFrames: (more) => frames.push(...more),
      onEnd: (error) => {
        end = error?.category ?? "clean"
      }
    })
    return { made, text: () => textOf(Buffer.concat(frames)), end: () => end }
  })
