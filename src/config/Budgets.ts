import * as Either from "effect/Either"
import type { Problem } from "./ConfigError.js"
import * as ConfigFile from "./ConfigFile.js"
import * as ConfigSource from "./ConfigSource.js"
import * as CrossCheck from "./CrossCheck.js"
import type { Fields } from "./FileForm.js"
import { toProblems, type Issue } from "./Issue.js"
import type { BudgetSettings } from "./Settings.js"
import * as UnknownField from "./UnknownField.js"

/** The budgets of a file. */
export const fromFile = (budgets: ConfigFile.ConfigFile["budgets"]): ReadonlyArray<BudgetSettings> => budgets.map(of)

/**
 * The budget of a scope, of fields in the form of the config file, checked as that is; `ids` are those of the instances. What is
 * wrong has paths from the budget on.
 */
export const check = (
  scope: string,
  fields: Fields,
  ids: ReadonlyArray<string>
): Either.Either<BudgetSettings, ReadonlyArray<Problem>> => {
  const named = fields["scope"]
  if (named !== undefined && named !== scope) {
    return Either.left([{ path: "scope", message: `must be left out, or ${scope} as in the address` }])
  }
  const own = { ...fields, scope }
  const file = ConfigSource.withoutEmpty({ budgets: [own] })
  const decoded = ConfigFile.decode(file)
  const issues: ReadonlyArray<Issue> = [
    ...UnknownField.find(file),
    ...Either.match(decoded, { onLeft: (found) => found, onRight: () => [] }),
    ...CrossCheck.crossCheck(file, ids, false)
  ]
  if (issues.length > 0) {
    return Either.left(toProblems(issues.map(({ message, path }) => ({ message, path: path.slice(2) }))))
  }
  const [budget] = Either.match(decoded, { onLeft: () => [], onRight: ({ budgets }) => budgets })
  return budget === undefined
    ? Either.left([{ path: "", message: "must be a mapping of fields" }])
    : Either.right(of(budget))
}

/** A budget of its fields. */
const of = ({
  daily,
  monthly,
  weekly,
  worstCase,
  ...rest
}: ConfigFile.ConfigFile["budgets"][number]): BudgetSettings => ({
  ...rest,
  daily,
  weekly,
  monthly,
  worstCase
})
