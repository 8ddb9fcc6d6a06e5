import type { ChatEvent } from "./ChatEvent.js"
import type { Money } from "./Money.js"
import type { Usage } from "./Usage.js"

/** A whole answer in nobody's dialect: the events that a stream of it would have brought. */
export interface Completion {
  /** The provider's own id of the answer. */
  readonly id: string | undefined
  /** What the provider calls the model that answered. */
  readonly model: string | undefined
  readonly events: ReadonlyArray<ChatEvent>
  readonly usage: Usage | undefined
  /** What the provider itself says that it cost. */
  readonly reportedCost: Money | undefined
}
