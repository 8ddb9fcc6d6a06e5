import type { Caller } from "../domain/Caller.js"
import type { Cancel } from "../provider/Timers.js"
import type { Answer } from "./Replies.js"
import type { Inbound } from "./WireReply.js"

/** Answers a request whose body has been read, once, or never after it was cancelled. */
export type Handler = (inbound: Inbound, caller: Caller, body: Buffer, answer: Answer) => Cancel
