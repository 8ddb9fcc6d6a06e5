import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { Catalog, type Snapshot } from "../catalog/Catalog.js"
import { CatalogEditor, type NotChanged } from "../catalog/CatalogEditor.js"
import * as FileForm from "../config/FileForm.js"
import type { InstanceSettings, ModelSettings } from "../config/Settings.js"
import * as Json from "../protocol/Json.js"
import { Api } from "./Api.js"
import * as Door from "./HttpApiDoor.js"
import * as HttpRefusal from "./HttpRefusal.js"

/** The routes that change instances and models. */
export const layer = HttpApiBuilder.group(Api, "catalog", (handlers) =>
  Effect.gen(function* () {
    const catalog = yield* Catalog
    const editor = yield* CatalogEditor

    const showInstance = (instance: InstanceSettings): FileForm.Fields => ({
      ...FileForm.ofInstance(instance),
      has_key: instance.apiKey !== undefined,
      source: sourceOf(instance.id, catalog.configured().instances)
    })
    const showModel = (model: ModelSettings) => ({
      ...FileForm.ofModel(model),
      id: model.id,
      enabled: model.enabled !== false,
      source: sourceOf(model.id, catalog.configured().models)
    })
    const instanceOf = (id: unknown) => (snapshot: Snapshot) => {
      const found = snapshot.settings.instances.find((instance) => instance.id === id)
      return found === undefined ? { id } : showInstance(found)
    }
    /** A model that is known by its name alone, and in service, is nowhere written. */
    const modelOf = (id: unknown) => (snapshot: Snapshot) => {
      const found = snapshot.settings.models.find((model) => model.id === id)
      return found === undefined ? { id, enabled: true, source: "config" } : showModel(found)
    }

    /** Answers a change with what there is now. */
    const answer = (
      change: ReturnType<typeof editor.addInstance>,
      { done, show, status = 200 }: Answer
    ): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
      Effect.flatMap(Effect.either(change), (changed) =>
        Either.isLeft(changed)
          ? Door.refuse(refusalOf(changed.left))
          : Effect.as(
              Effect.logWarning(`an operator ${done}`),
              HttpServerResponse.unsafeJson(show(changed.right), { status })
            )
      )

    return handlers
      .handleRaw("addInstance", () =>
        withFields((fields) =>
          answer(editor.addInstance(fields), {
            done: `added the instance ${String(fields["id"])}`,
            show: instanceOf(fields["id"]),
            status: 201
          })
        )
      )
      .handleRaw("changeInstance", ({ path: { instance } }) =>
        withFields((fields) =>
          answer(editor.changeInstance(instance, fields), {
            done: `changed the instance ${instance}: ${Object.keys(fields).join(", ")}`,
            show: instanceOf(instance)
          })
        )
      )
      .handle("configuredModels", () =>
        Effect.sync(() => ({ models: catalog.snapshot().settings.models.map(showModel) }))
      )
      .handleRaw("addModel", () =>
        withFields((fields) =>
          answer(editor.addModel(fields), {
            done: `added the model ${String(fields["id"])}`,
            show: modelOf(fields["id"]),
            status: 201
          })
        )
      )
      .handleRaw("changeModel", ({ path }) =>
        withFields((fields) =>
          answer(editor.changeModel(path["*"], fields), {
            done: `changed the model ${path["*"]}: ${Object.keys(fields).join(", ")}`,
            show: modelOf(path["*"])
          })
        )
      )
      .handleRaw("removeModel", ({ path }) =>
        answer(editor.removeModel(path["*"]), {
          done: `removed the model ${path["*"]}`,
          show: () => ({ id: path["*"], deleted: true })
        })
      )
  })
)

/** Why a change was not made, as an answer. */
export const refusalOf = (error: NotChanged): HttpRefusal.HttpRefusal => {
  if (error._tag === "ChangedMeanwhile") return HttpRefusal.conflict("changed_meanwhile", error.message)
  if (error._tag === "StoreFailed") return HttpRefusal.notSaved(error.message)
  const { id, problems, reason, subject } = error
  switch (reason) {
    case "invalid":
      return HttpRefusal.wrongConfig(problems)
    case "unknown":
      return subject === "model" ? HttpRefusal.noSuchModel(id) : HttpRefusal.noSuchInstance(id)
    case "taken":
      return HttpRefusal.conflict("already_exists", `there is a ${subject} '${id}' already; PATCH changes it`, "id")
    case "configured":
      return HttpRefusal.conflict(
        "configured",
        `the ${subject} '${id}' is in the configuration, which only its file can take it out of; ` +
          'PATCH {"enabled": false} takes it out of service',
        "id"
      )
  }
}

const sourceOf = (id: string, configured: ReadonlyArray<{ readonly id: string }>): "config" | "api" =>
  configured.some((own) => own.id === id) ? "config" : "api"

interface Answer {
  /** For the log; holds no values. */
  readonly done: string
  readonly show: (snapshot: Snapshot) => FileForm.Fields
  readonly status?: number
}

/** What a request wants to change. */
const withFields = (use: (fields: FileForm.Fields) => Effect.Effect<HttpServerResponse.HttpServerResponse>) =>
  Effect.gen(function* () {
    const body = yield* Door.wholeBody
    if (body instanceof HttpRefusal.HttpRefusal) return yield* Door.refuseBeforeEnd(body)
    const fields = Json.parsedForReading(body.toString("utf8"))
    return yield* Json.isRecord(fields) ? use(fields) : Door.refuse(notAnObject)
  })

const notAnObject = HttpRefusal.malformedJson("the body must be a JSON object in the form of the config file")
