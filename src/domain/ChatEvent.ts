import type { Attempt } from "./Attempt.js"
import type { Money } from "./Money.js"
import type { Usage } from "./Usage.js"

/** One event of a streamed answer, whatever dialect it came in. `index` is the choice. */
export type ChatEvent =
  | { readonly _tag: "Text"; readonly index: number; readonly text: string }
  | { readonly _tag: "Reasoning"; readonly index: number; readonly text: string }
  | { readonly _tag: "Refusal"; readonly index: number; readonly text: string }
  | {
      readonly _tag: "ToolCall"
      readonly index: number
      /** Which of the parallel calls this piece belongs to. */
      readonly call: number
      readonly id: string | undefined
      readonly name: string | undefined
      /** The next piece of the arguments' JSON text. */
      readonly arguments: string
    }
  | { readonly _tag: "Finish"; readonly index: number; readonly reason: string }
  | {
      /** The last event of a stream that ended well: who answered, and what it took. */
      readonly _tag: "End"
      readonly provider: string
      readonly instance: string
      readonly model: string
      readonly fallback: boolean
      readonly attempts: ReadonlyArray<Attempt>
      /** `undefined` when the provider did not say. */
      readonly usage: Usage | undefined
      /** `undefined` is unknown, never zero. */
      readonly cost: Money | undefined
    }
