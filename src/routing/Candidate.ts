import type { InstanceSettings } from "../config/Settings.js"
import type { CatchRule } from "../domain/ErrorCategory.js"

/** One step of a chain. */
export interface Candidate {
  readonly instance: InstanceSettings
  /** The provider's own id. */
  readonly model: string
  /** Which failures of the step before open this one; `undefined` is the default of `catches`. */
  readonly catch: ReadonlyArray<CatchRule> | undefined
  /** It serves the very model that was asked for, as its peers do: a strategy may change places with them. */
  readonly peer: boolean
  /** Which of the models that the request names, in its order; those of one are asked before those of the next. */
  readonly stage: number
  /** Tokens of input and output together; `undefined`: not known. */
  readonly contextWindow: number | undefined
  readonly baseUrl: string | undefined
  readonly maxTokens: number | undefined
  readonly temperature: number | undefined
  /** Calls to this candidate, the first included. */
  readonly maxCalls: number
}
