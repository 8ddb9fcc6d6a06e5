import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { AllBudgets, BudgetStatus } from "../ledger/BudgetStatus.js"
import { ErrorBody } from "./Bodies.js"

/** `global`, or as `provider:openai`; what follows the colon may hold slashes. */
const ScopePath = Schema.Struct({ "*": Schema.String })

const usd = Schema.optional(Schema.Union(Schema.Number, Schema.String))

const text = Schema.optional(Schema.String)

/** A budget in the form of the config file. */
const BudgetPayload = Schema.Struct({
  scope: text,
  daily: usd,
  weekly: usd,
  monthly: usd,
  mode: text,
  window: text,
  timeZone: text,
  worstCase: usd
}).annotations({ identifier: "NewBudget" })

/** `DELETE /admin/budgets/{scope}`. */
export const RemovedBudget = Schema.Struct({ scope: Schema.String, deleted: Schema.Boolean })

const statusOf = (status: number) => ErrorBody.annotations(HttpApiSchema.annotations({ status }))

/** What may be spent, and what is spent of it. */
export const BudgetsGroup = HttpApiGroup.make("budgets")
  .add(
    HttpApiEndpoint.get("all", "/admin/budgets")
      .addSuccess(AllBudgets)
      .annotate(
        OpenApi.Description,
        "Every budget, what is spent and reserved of its limits, and what is to come. Of one for each user or key only the limits."
      )
  )
  .add(
    HttpApiEndpoint.get("one", "/admin/budgets/*")
      .setPath(ScopePath)
      .addSuccess(BudgetStatus)
      .addError(statusOf(404))
      .annotate(
        OpenApi.Description,
        "The budget of a scope; of `user:alice` it may be her part of the one for each user, `user:*`."
      )
  )
  .add(
    HttpApiEndpoint.put("set", "/admin/budgets/*")
      .setPath(ScopePath)
      .setPayload(BudgetPayload)
      .addSuccess(BudgetStatus)
      .annotate(
        OpenApi.Description,
        "Sets the budget of a scope, whole, over what is configured for it. It holds when this is answered, and two seconds later at every other gateway."
      )
  )
  .add(
    HttpApiEndpoint.del("remove", "/admin/budgets/*")
      .setPath(ScopePath)
      .addSuccess(RemovedBudget)
      .addError(statusOf(404))
      .addError(statusOf(409))
      .annotate(
        OpenApi.Description,
        "Takes back a budget that was set here. What is configured for its scope holds again."
      )
  )
  .addError(statusOf(503))
