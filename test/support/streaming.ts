import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import type { InstanceSettings, Settings } from "../../src/config/Settings.js"
import type { StreamEvent } from "../../src/domain/ChatEvent.js"
import { Gateway } from "../../src/gateway/Gateway.js"
import type { Circuits } from "../../src/health/Circuits.js"
import type { SimulatedReply } from "../../src/provider/SimulatedReply.js"
import { Simulator } from "../../src/provider/Simulator.js"
import { gateway, request } from "./gateway.js"
import { instance, model, settings } from "./settings.js"

export interface Setup {
  readonly scripts: Readonly<Record<string, ReadonlyArray<SimulatedReply>>>
  readonly request?: Readonly<Record<string, unknown>>
  readonly instances?: Partial<InstanceSettings>
  readonly settings?: Partial<Settings>
}

/** A gateway whose model `m` is asked of these providers in turn, each following its script. */
export const scripted = <A, E>(
  setup: Setup,
  body: Effect.Effect<A, E, Circuits | Gateway | Simulator>
): Effect.Effect<A, E> => {
  const ids = Object.keys(setup.scripts)
  const configured = settings({
    instances: ids.map((id) => instance(id, setup.instances)),
    models: [model("m", ids)],
    ...setup.settings
  })
  return Effect.gen(function* () {
    const simulator = yield* Simulator
    for (const [id, script] of Object.entries(setup.scripts)) yield* simulator.script(id, ...script)
    return yield* body
  }).pipe(Effect.provide(gateway(configured)))
}

/** How many calls each of these providers got, and how many of them were given up. */
export const calls = (...ids: ReadonlyArray<string>) =>
  Effect.flatMap(Simulator, (simulator) =>
    Effect.forEach(ids, (id) =>
      Effect.zipWith(
        simulator.requests(id),
        simulator.aborted(id),
        (all, aborted) => [id, all.length, aborted] as const
      )
    )
  )

/** Reads a stream on the test clock; `events` and `exit` are what came of it so far. */
export const reading = (fields: Readonly<Record<string, unknown>> = {}, take = Number.POSITIVE_INFINITY) =>
  Effect.gen(function* () {
    const service = yield* Gateway
    const events: Array<StreamEvent> = []
    const stream = service.stream(request(fields))
    const fiber = yield* Stream.runForEach(Number.isFinite(take) ? Stream.take(stream, take) : stream, (event) =>
      Effect.sync(() => events.push(event))
    ).pipe(Effect.fork)
    return { events, fiber, exit: Effect.map(Fiber.poll(fiber), Option.getOrUndefined) }
  })

/** Reads a whole stream; how it ended is looked at after so long. */
export const streamed = (setup: Setup, within: Duration.DurationInput = "10 minutes") =>
  scripted(
    setup,
    Effect.gen(function* () {
      const { events, exit } = yield* reading(setup.request)
      yield* TestClock.adjust(within)
      const end = yield* exit
      const cause = end === undefined ? Option.none() : Exit.causeOption(end)
      const asked = yield* calls(...Object.keys(setup.scripts))
      return {
        events,
        text: textOf(events),
        end: end === undefined ? "not yet" : Exit.isSuccess(end) ? "clean" : "failed",
        error: Option.getOrUndefined(Option.flatMap(cause, Cause.failureOption)),
        asked: Object.fromEntries(asked.map(([id, all]) => [id, all]))
      }
    })
  )

export const textOf = (events: ReadonlyArray<StreamEvent>): string =>
  events.map((event) => (event._tag === "Text" ? event.text : "")).join("")
