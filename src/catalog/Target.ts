import type { InstanceSettings } from "../config/Settings.js"
import type { CatchRule } from "../domain/ErrorCategory.js"

/** One instance under the name that it knows a model by. */
export interface Target {
  readonly instance: InstanceSettings
  /** The provider's own id. */
  readonly model: string
  /** Which failures of the step before open this one; `undefined` is the default of `catches`. */
  readonly catch: ReadonlyArray<CatchRule> | undefined
  /** It serves the very model that was asked for, and so do its peers: who of them goes first is the strategy's choice. */
  readonly peer: boolean
  /** The operator gave it this place, in a chain of the configuration. */
  readonly placed: boolean
  /** Tokens of input and output together; `undefined`: not known. */
  readonly contextWindow: number | undefined
}
