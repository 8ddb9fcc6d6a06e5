import type { ConfigFile } from "./ConfigFile.js"
import type { BudgetSettings } from "./Settings.js"

/** The budgets of a file. */
export const fromFile = (budgets: ConfigFile["budgets"]): ReadonlyArray<BudgetSettings> => budgets.map(of)

/** A budget of its fields. */
export const of = ({ daily, monthly, weekly, worstCase, ...rest }: ConfigFile["budgets"][number]): BudgetSettings => ({
  ...rest,
  daily,
  weekly,
  monthly,
  worstCase
})
