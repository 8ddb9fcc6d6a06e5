import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { Catalog, type Snapshot } from "../catalog/Catalog.js"
import { CatalogEditor } from "../catalog/CatalogEditor.js"
import * as Overlay from "../config/Overlay.js"
import { strategies } from "../config/Settings.js"
import { Circuits } from "../health/Circuits.js"
import { Budgets } from "../ledger/Budgets.js"
import { Health } from "../health/Health.js"
import * as Status from "../health/Status.js"
import * as Json from "../protocol/Json.js"
import * as Explain from "../routing/Explain.js"
import { Planner } from "../routing/Planner.js"
import { CircuitPayload, StrategyPayload } from "./AdminBodies.js"
import { Api } from "./Api.js"
import * as CatalogHandlers from "./CatalogHandlers.js"
import * as Door from "./HttpApiDoor.js"
import * as HttpRefusal from "./HttpRefusal.js"
import * as ModelList from "./ModelList.js"

/** The routes of the operator. */
export const layer = HttpApiBuilder.group(Api, "admin", (handlers) =>
  Effect.gen(function* () {
    const catalog = yield* Catalog
    const circuits = yield* Circuits
    const editor = yield* CatalogEditor
    const budgets = yield* Budgets
    const health = yield* Health
    const planner = yield* Planner

    const instanceOf = (id: string) => catalog.snapshot().instances.find((instance) => instance.id === id)

    return handlers
      .handle("providers", () =>
        Effect.map(currentTime, (now) => {
          const { instances, settings } = catalog.snapshot()
          const disabled = settings.instances.filter(({ enabled }) => !enabled).map(({ id }) => id)
          return { ...Status.all(instances, circuits, health, now), disabled, unfit: unfit(catalog) }
        })
      )
      .handleRaw("circuit", ({ path }) =>
        Effect.gen(function* () {
          const body = yield* Door.wholeBody
          if (body instanceof HttpRefusal.HttpRefusal) return yield* Door.refuseBeforeEnd(body)
          const instance = instanceOf(path.instance)
          if (instance === undefined) return yield* Door.refuse(HttpRefusal.noSuchInstance(path.instance))
          const wanted = readCircuit(Json.parsedForReading(body.toString("utf8")))
          if (Either.isLeft(wanted)) return yield* Door.refuse(notAState)
          const now = yield* currentTime
          circuits.force(instance, wanted.right.state, now)
          yield* Effect.logWarning(`an operator set the circuit of ${instance.id} to ${wanted.right.state}`)
          return HttpServerResponse.unsafeJson(
            Status.of(instance, circuits.of(instance, now), health.latest(instance, now))
          )
        })
      )
      .handleRaw("test", ({ path }) =>
        Effect.gen(function* () {
          const instance = instanceOf(path.instance)
          if (instance === undefined) return yield* Door.refuse(HttpRefusal.noSuchInstance(path.instance))
          const [took, check] = yield* Effect.timed(health.check(instance))
          return HttpServerResponse.unsafeJson({
            instance: instance.id,
            ok: check.available,
            ms: Math.round(Duration.toMillis(took)),
            models: check.models.length,
            message: check.reason ?? null
          })
        })
      )
      .handle("strategy", () => Effect.sync(() => strategyOf(catalog.snapshot())))
      .handleRaw("setStrategy", () =>
        Effect.gen(function* () {
          const body = yield* Door.wholeBody
          if (body instanceof HttpRefusal.HttpRefusal) return yield* Door.refuseBeforeEnd(body)
          const wanted = readStrategy(Json.parsedForReading(body.toString("utf8")))
          if (Either.isLeft(wanted)) return yield* Door.refuse(notAStrategy)
          const { strategy, weights } = wanted.right
          const stranger = Object.keys(weights ?? {}).find((id) => instanceOf(id) === undefined)
          if (stranger !== undefined) return yield* Door.refuse(HttpRefusal.noSuchInstance(stranger))
          const wish = { strategy, ...(weights === undefined ? {} : { weights }) }
          const changed = yield* Effect.either(editor.changeRouting(wish))
          if (Either.isLeft(changed)) return yield* Door.refuse(CatalogHandlers.refusalOf(changed.left))
          yield* Effect.logWarning(
            `an operator set the routing strategy to ${strategy}, with weights ${JSON.stringify(changed.right.settings.routing.weights)}`
          )
          return HttpServerResponse.unsafeJson(strategyOf(changed.right))
        })
      )
      .handle("failover", () =>
        Effect.map(currentTime, (now) => {
          const known = planner.knowledge(now, budgets.refused)
          const models = ModelList.make(known.snapshot, health.discovered())
          const failover_status = models.map(({ id }) => failover(id, known))
          return {
            total_models: models.length,
            models_with_failover: failover_status.filter(({ has_failover }) => has_failover).length,
            failover_status
          }
        })
      )
      .handleRaw("explain", ({ path }) =>
        Effect.flatMap(currentTime, (now) =>
          Either.match(Explain.make(path["*"], planner.knowledge(now, budgets.refused)), {
            onLeft: Door.refuse,
            onRight: (explanation) => Effect.succeed(HttpServerResponse.unsafeJson(explanation))
          })
        )
      )
  })
)

/** What of the instances was changed and cannot be used. */
const unfit = (catalog: Catalog["Type"]) =>
  Overlay.lay(catalog.configured(), catalog.overlay()).unfit.flatMap((each) =>
    each.section === "instances" ? [{ instance: each.id, reason: Overlay.reasonOf(each) }] : []
  )

const currentTime = Effect.clockWith((clock) => clock.currentTimeMillis)

const readCircuit = Schema.decodeUnknownEither(CircuitPayload)

const strategyOf = ({ settings: { routing } }: Snapshot) => ({ strategy: routing.strategy, weights: routing.weights })

const readStrategy = Schema.decodeUnknownEither(StrategyPayload)

const notAStrategy = HttpRefusal.wrongType(
  `'strategy' must be one of ${strategies.join(", ")}, and 'weights' an object of instances and numbers from 0`,
  "strategy"
)

const notAState = HttpRefusal.wrongType("'state' must be 'open', 'closed' or 'auto'", "state")

/** Who answers a model and who takes over; nobody where no plan can be made. */
const failover = (model: string, known: Explain.Knowledge) => {
  const asked = Either.match(Explain.planOf(model, known), { onLeft: () => [], onRight: Explain.instancesOf })
  const [primary = null, fallback = null] = asked
  return { model, providers_count: asked.length, primary, fallback, has_failover: fallback !== null }
}
