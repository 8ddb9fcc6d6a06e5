import type { Signer } from "../rules/signatures.js"

/** A program that runs a model's tools for it, with a client of its own. */
export interface Loop {
  readonly name: string
  /** It tells the model of the pictures that tools show; others have no words for that in their dialect. */
  readonly shows: boolean
  /** Whose signatures its client sends back as they came. */
  readonly keeps: ReadonlyArray<Signer>
  /** Asks the question, makes the calls, and appends both as the client has it. */
  readonly begin: (url: string, model: string) => Promise<Continue>
}

/** Goes on with what was begun, and says what the model answered. */
export type Continue = (model: string) => Promise<string>
