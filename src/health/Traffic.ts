import type { RoutingSettings } from "../config/Settings.js"
import { RecentCalls } from "./Latency.js"
import { Paces } from "./Pace.js"
import { RetryBudget } from "./RetryBudget.js"

/** What the calls to each instance were like, and what they may still cost. */
export class Traffic {
  readonly paces = new Paces()
  private readonly recent = new Map<string, RecentCalls>()
  private readonly budgets = new Map<string, RetryBudget>()

  constructor(private readonly retries: RoutingSettings["retryBudget"]) {}

  /** `undefined` before the first one. */
  known(instance: string): RecentCalls | undefined {
    return this.recent.get(instance)
  }

  calls(instance: string): RecentCalls {
    const known = this.recent.get(instance)
    if (known !== undefined) return known
    const made = new RecentCalls()
    this.recent.set(instance, made)
    return made
  }

  budget(instance: string): RetryBudget {
    const known = this.budgets.get(instance)
    if (known !== undefined) return known
    const made = new RetryBudget(this.retries.ratio, this.retries.reserve)
    this.budgets.set(instance, made)
    return made
  }
}
