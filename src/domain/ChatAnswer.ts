import type { Money } from "./Money.js"
import type { Usage } from "./Usage.js"

/** A provider's whole answer: its bytes, and what the gateway read in them. */
export interface ChatAnswer {
  readonly body: Uint8Array
  /** The parsed body. Only for reading; never forwarded. */
  readonly view: Readonly<Record<string, unknown>>
  /** What the provider calls the model that answered. */
  readonly model: string | undefined
  /** The provider says that it is whole: each choice has ended, and none was cut short or declined. */
  readonly complete: boolean
  /** `undefined` when the provider did not say. */
  readonly usage: Usage | undefined
  /** What the provider itself says that it cost. */
  readonly reportedCost: Money | undefined
}
