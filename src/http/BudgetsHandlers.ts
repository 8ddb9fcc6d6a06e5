import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Unheld from "../config/Unheld.js"
import { BudgetEditor, type BudgetRefused } from "../ledger/BudgetEditor.js"
import type { Budgets } from "../ledger/Budgets.js"
import * as BudgetStatus from "../ledger/BudgetStatus.js"
import type { BudgetStoreFailed } from "../ledger/BudgetStore.js"
import type { RollupStore } from "../ledger/RollupStore.js"
import * as Json from "../protocol/Json.js"
import { Api } from "./Api.js"
import * as Door from "./HttpApiDoor.js"
import * as HttpRefusal from "./HttpRefusal.js"

/** The routes of budgets. */
export const layer = HttpApiBuilder.group(Api, "budgets", (handlers) =>
  Effect.gen(function* () {
    const editor = yield* BudgetEditor
    const context = yield* Effect.context<BudgetEditor | Budgets | RollupStore>()
    const status = (scope: string) => Effect.provide(BudgetStatus.of(scope), context)

    return handlers
      .handleRaw("all", () =>
        BudgetStatus.all.pipe(
          Effect.provide(context),
          Effect.map((found) => HttpServerResponse.unsafeJson(found)),
          Effect.catchAll(unread)
        )
      )
      .handleRaw("one", ({ path }) =>
        status(path["*"]).pipe(
          Effect.flatMap((found) =>
            found === undefined
              ? Door.refuse(HttpRefusal.noSuchBudget(path["*"]))
              : Effect.succeed(HttpServerResponse.unsafeJson(found))
          ),
          Effect.catchAll(unread)
        )
      )
      .handleRaw("set", ({ path }) =>
        Effect.gen(function* () {
          const body = yield* Door.wholeBody
          if (body instanceof HttpRefusal.HttpRefusal) return yield* Door.refuseBeforeEnd(body)
          const fields = Json.parsedForReading(body.toString("utf8"))
          if (!Json.isRecord(fields)) return yield* Door.refuse(notAnObject)
          const scope = path["*"]
          const made = yield* Effect.either(editor.set(scope, fields))
          if (Either.isLeft(made)) return yield* Door.refuse(refusalOf(made.left))
          const holds = Unheld.holdsNobody(scope) ? `; over HTTP it holds nobody: ${Unheld.reason}` : ""
          yield* Effect.logWarning(`an operator set the budget ${scope}${holds}`)
          // It is set, whether or not what is spent of it can be read now.
          const found = yield* Effect.orElseSucceed(status(scope), () => undefined)
          return HttpServerResponse.unsafeJson(
            found ?? (yield* Effect.provide(BudgetStatus.unread(scope, made.right), context))
          )
        })
      )
      .handleRaw("remove", ({ path }) =>
        Effect.gen(function* () {
          const scope = path["*"]
          const removed = yield* Effect.either(editor.remove(scope))
          if (Either.isLeft(removed)) return yield* Door.refuse(refusalOf(removed.left))
          yield* Effect.logWarning(`an operator took back the budget ${scope}`)
          return HttpServerResponse.unsafeJson({ scope, deleted: true })
        })
      )
  })
)

const unread = ({ message }: { readonly message: string }) => Door.refuse(HttpRefusal.notRead(message))

const refusalOf = (error: BudgetRefused | BudgetStoreFailed): HttpRefusal.HttpRefusal => {
  if (error._tag === "BudgetStoreFailed") return HttpRefusal.notSaved(error.message)
  switch (error.reason) {
    case "invalid":
      return HttpRefusal.wrongConfig(error.problems)
    case "unknown":
      return HttpRefusal.noSuchBudget(error.scope)
    case "configured":
      return HttpRefusal.conflict(
        "configured",
        `the budget '${error.scope}' is in the configuration, which only its file can take it out of; PUT sets another one over it`,
        "scope"
      )
  }
}

const notAnObject = HttpRefusal.malformedJson('the body must be a JSON object such as {"daily": 10, "mode": "hard"}')
