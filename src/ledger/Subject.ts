import type { Caller } from "../domain/Caller.js"
import type { Money } from "../domain/Money.js"
import type { Purse } from "./Purse.js"

/** Whose call it is. */
export interface Subject {
  readonly caller: Caller
  /** Canonical name of the model. */
  readonly model: string
  readonly instance: { readonly id: string; readonly provider: string }
}

/** What a call wants of one budget. */
export interface Want {
  readonly purse: Purse
  readonly amount: Money
}
