import type { Attempt } from "./Attempt.js"
import type { CacheOutcome } from "./CacheControl.js"
import * as FinishReason from "./FinishReason.js"
import type { Money } from "./Money.js"
import type { Seal } from "./Prompt.js"
import type { Usage } from "./Usage.js"

/** A piece of an answer, whatever dialect it came in. `index` is the choice. */
export type ChatEvent =
  | { readonly _tag: "Text"; readonly index: number; readonly text: string }
  | { readonly _tag: "Reasoning"; readonly index: number; readonly text: string }
  /** The signature of the reasoning before it. */
  | { readonly _tag: "Signature"; readonly index: number; readonly seal: Seal }
  /** Reasoning that only its maker can read. */
  | { readonly _tag: "Sealed"; readonly index: number; readonly seal: Seal }
  | { readonly _tag: "Refusal"; readonly index: number; readonly text: string }
  | {
      readonly _tag: "ToolCall"
      readonly index: number
      /** Which of the parallel calls this piece belongs to. */
      readonly call: number
      /** Set in a call's first piece. */
      readonly id: string | undefined
      readonly name: string | undefined
      /** The next piece of the arguments' JSON text. */
      readonly arguments: string
      readonly seal?: Seal | undefined
    }
  | {
      readonly _tag: "Finish"
      readonly index: number
      readonly reason: FinishReason.FinishReason
      /** Which of the request's stop sequences it was, where the provider says so. */
      readonly sequence?: string | undefined
      /** The provider did not say why, or in a word that nobody knows. */
      readonly assumed?: true
    }

/** Does a choice end here that need not be whole? */
export const cutsShort = (event: ChatEvent): boolean =>
  event._tag === "Finish" && (event.assumed === true || FinishReason.cutsShort(event.reason))

/** How many characters of output an event brings. */
export const characters = (event: ChatEvent): number => {
  switch (event._tag) {
    case "Text":
    case "Reasoning":
    case "Refusal":
      return event.text.length
    case "ToolCall":
      return event.arguments.length + (event.name?.length ?? 0)
    default:
      return 0
  }
}

/** The last event of a stream that ended well: who had the last word, and what it took. */
export interface StreamSummary {
  readonly _tag: "End"
  readonly provider: string
  readonly instance: string
  readonly model: string
  readonly fallback: boolean
  readonly cache: CacheOutcome
  readonly attempts: ReadonlyArray<Attempt>
  /** `undefined` when the provider did not say. */
  readonly usage: Usage | undefined
  /** `undefined` is unknown, never zero. */
  readonly cost: Money | undefined
}

/** One event of a streamed answer as the library gives it. */
export type StreamEvent = ChatEvent | StreamSummary
