import type { Caller } from "../domain/Caller.js"
import type * as Call from "../provider/Call.js"
import type { Facts, Inbound, WireReply } from "./WireReply.js"

/** Takes the answer to a request: there already, or as an effect that is still to be run. */
export type Answer = (reply: Call.Outcome<WireReply, never>) => void

/** Answers a request whose body has been read, once, or never after it was cancelled. */
export type Handler = (inbound: Inbound, caller: Caller, body: Buffer, answer: Answer) => Handling

/** A request that is being answered. */
export interface Handling {
  /** Stops the first call; what has followed on its failure is the runner's to interrupt. */
  readonly cancel: () => void
  /** What is known of it already. */
  readonly facts: () => Facts
}
