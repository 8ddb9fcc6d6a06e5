import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FiberMap from "effect/FiberMap"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import { LiveSettings } from "../config/LiveSettings.js"
import type { InstanceSettings, Settings } from "../config/Settings.js"
import { ProviderUnavailable, type ProviderError } from "../domain/ProviderError.js"
import * as RequestIn from "../protocol/openai/RequestIn.js"
import { Providers } from "../provider/Providers.js"
import * as Timers from "../provider/Timers.js"
import type { Circuit } from "./CircuitBreaker.js"
import { Circuits } from "./Circuits.js"
import { Health, type Check } from "./Health.js"
import type { Permit } from "./Permit.js"

/**
 * Where `health.probe` is `active`: checks every enabled instance each `health.probeEvery`, give or take a tenth, not all at
 * once, and an open circuit also when its time to be tried has come. Its failures count against the circuits as those of
 * traffic do. With the scope it ends.
 */
export const layer: Layer.Layer<never, never, Circuits | Health | LiveSettings | Providers> = Layer.scopedDiscard(
  Effect.gen(function* () {
    const { current, subscribe } = yield* LiveSettings
    const circuits = yield* Circuits
    const health = yield* Health
    const providers = yield* Providers

    /** What an instance is asked; `undefined`: there is nothing. An empty model stands for no one model. */
    const questionOf = (instance: InstanceSettings): Question | undefined => {
      const { complete, listModels } = providers.of(instance)
      const settings = current()
      const model = settings.health.probeWith === "chat" ? firstModel(instance, settings) : undefined
      if (model !== undefined) return { model, ask: chat(complete, instance, model) }
      return listModels && { model: "", ask: undefined }
    }

    /** Instances whose circuit a list of models has opened: so one may close it again. */
    const openedByList = new Set<string>()

    const probe = (instance: InstanceSettings, { ask, model }: Question, before: Check | undefined) =>
      Effect.gen(function* () {
        const { now } = Timers.ofClock(yield* Effect.clock)
        // Whoever asked for fewer requests is alive, and gets no more of them.
        if (circuits.ailment(instance, model, now())?.reason === "rate_limited") return before
        return yield* Effect.acquireUseRelease(
          Effect.sync(() => circuits.admitCheck(instance, model, now)),
          (permit) =>
            Effect.tap(health.check(instance, ask), (check) => {
              if (permit === undefined) return
              if (ask !== undefined) tellChat(permit, check)
              else {
                const { circuit } = circuits.of(instance, now())
                tellList(permit, check, circuit, openedByList.has(instance.id))
                const after = circuits.of(instance, now()).circuit
                if (circuit !== "open" && after === "open") openedByList.add(instance.id)
                else if (after === "closed") openedByList.delete(instance.id)
              }
            }),
          (permit) => Effect.sync(() => permit?.release())
        )
      })

    /** Until the next check, in ms. */
    const pause = (instance: InstanceSettings, { model }: Pick<Question, "model">) =>
      Effect.gen(function* () {
        const { now } = Timers.ofClock(yield* Effect.clock)
        const usual = current().health.probeEvery * (0.9 + 0.2 * (yield* Random.next))
        const ailment = circuits.ailment(instance, model, now())
        // The trial is this one's then, and not a user's request. A timer may go off a moment early.
        return ailment?.reason === "circuit_open"
          ? Math.min(usual, Math.max(shortestPause, Math.ceil(ailment.until - now()) + 1))
          : usual
      })

    const rounds = (instance: InstanceSettings) =>
      Effect.gen(function* () {
        yield* Effect.sleep(Duration.millis(current().health.probeEvery * (yield* Random.next)))
        let last: Check | undefined
        while (true) {
          const question = questionOf(instance)
          if (question !== undefined) {
            last = yield* Effect.catchAllDefect(probe(instance, question, last), () =>
              // The next one may do better, and the other instances' go on.
              Effect.as(Effect.logError(`the check of ${instance.id} died`), undefined)
            )
          }
          yield* Effect.sleep(Duration.millis(yield* pause(instance, question ?? { model: "" })))
        }
      })

    const running = yield* FiberMap.make<InstanceSettings>()
    const follow = Effect.suspend(() => {
      const { health: how, instances } = current()
      const asked = new Set(how.probe === "passive" ? [] : instances.filter(({ enabled }) => enabled))
      const gone = [...running].flatMap(([instance]) => (asked.has(instance) ? [] : [instance]))
      return Effect.zipRight(
        Effect.forEach(gone, (instance) => FiberMap.remove(running, instance), { discard: true }),
        Effect.forEach(
          asked,
          (instance) => FiberMap.run(running, instance, rounds(instance), { onlyIfMissing: true }),
          {
            discard: true
          }
        )
      )
    })
    const changes = yield* subscribe
    yield* follow
    yield* Effect.forkScoped(Effect.forever(Effect.zipRight(Queue.take(changes), follow)))
  })
)

interface Question {
  readonly model: string
  /** `undefined`: for its models. */
  readonly ask: Effect.Effect<unknown, ProviderError> | undefined
}

/** A list of models shows that an instance is there and takes its key, not that it answers. */
const tellList = (permit: Permit, check: Check, circuit: Circuit, ownDoing: boolean): void => {
  const { available, failure } = check
  if (failure !== undefined) return available ? permit.release() : permit.fail(asDown(failure), true)
  // So it forgives no failed call, and tries only what traffic has not tried yet, or what it has opened itself.
  return circuit === "half_open" || (circuit === "open" && ownDoing) ? permit.succeed() : permit.release()
}

/** A chat is a call as any other, but for its length. */
const tellChat = (permit: Permit, { failure }: Check): void =>
  failure === undefined ? permit.succeed() : permit.fail(failure, true)

/** It was not some caller's deadline that passed, but the time in which whoever is well lists its models. */
const asDown = (failure: ProviderError): ProviderError => {
  if (failure._tag !== "ProviderTimeout") return failure
  const { instance, message, model, provider } = failure
  return new ProviderUnavailable({ instance, message, model, provider })
}

/** The first model that is configured to be asked of it. */
const firstModel = ({ id, models }: InstanceSettings, settings: Settings): string | undefined =>
  settings.models.flatMap(({ targets }) => targets).find(({ instance }) => instance === id)?.model ?? models?.[0]

/** The smallest chat that there is: a word in, a token out. */
const chat = (
  complete: ReturnType<Providers["Type"]["of"]>["complete"],
  instance: InstanceSettings,
  model: string
): Effect.Effect<unknown, ProviderError> =>
  Effect.clockWith((clock) => {
    const timers = Timers.ofClock(clock)
    return complete({
      request: Either.getOrThrow(RequestIn.makeRequest({ model, messages: [{ role: "user", content: "Hi" }] })),
      model,
      baseUrl: undefined,
      maxTokens: 1,
      temperature: undefined,
      timers,
      // A moment longer than a first token may take: then it is the model's fault.
      limit: { at: timers.now() + instance.timeouts.firstToken + 100, phase: "share" }
    })
  })

/** However often its circuit opens and for how short a time, in ms. */
const shortestPause = 1_000
