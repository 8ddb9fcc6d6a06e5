import type { Attempt } from "../domain/Attempt.js"
import type { CacheOutcome } from "../domain/CacheControl.js"
import type { ChatAnswer } from "../domain/ChatAnswer.js"
import type { Money } from "../domain/Money.js"
import type { Usage } from "../domain/Usage.js"
import type { ProviderError } from "../domain/ProviderError.js"

/** Who answered, and what it took. */
export interface ServedBy {
  /** Vendor slug. */
  readonly provider: string
  readonly instance: string
  /** The provider's own id of the model. */
  readonly model: string
  /** A candidate before this one failed, or was left out because it is not well. */
  readonly fallback: boolean
  /** What of the request the provider was not told, in the names of the request's dialect. */
  readonly dropped: ReadonlyArray<string>
  readonly cache: CacheOutcome
  /** Of an answer from the cache, in ms. */
  readonly age: number | undefined
  /** What an answer that came from the cache, or was shared, would have cost; `undefined` where nobody knows. */
  readonly saved: Money | undefined
}

/** A whole answer. */
export interface ChatReply extends ServedBy {
  readonly answer: ChatAnswer
  readonly attempts: ReadonlyArray<Attempt>
  /** Of the whole request, in so far as it is known; `undefined` when nothing is. */
  readonly cost: Money | undefined
}

/** How a stream ended. */
export interface StreamEnd {
  /** Who had the last word; another one than began it where the stream was continued. */
  readonly served: Omit<ServedBy, "dropped">
  readonly attempts: ReadonlyArray<Attempt>
  readonly usage: Usage | undefined
  readonly cost: Money | undefined
  /** The provider says that it is whole: each choice has ended, and none was cut short or declined. */
  readonly complete: boolean
  /** Set when it broke after its first output. */
  readonly error: ProviderError | undefined
}

/** Takes a streamed answer. */
export interface ReplySink {
  /** Whole frames in the dialect of the request, as bytes. */
  readonly onFrames: (frames: ReadonlyArray<Buffer>) => void
  readonly onEnd: (end: StreamEnd) => void
}

/**
 * A streamed answer that has begun: the commit point is behind it, so that from here nothing falls over, unless others are
 * to go on with what breaks. It holds a connection until it has ended or is cancelled.
 */
export interface ChatReplyStream extends ServedBy {
  /** Known before it ends only where nobody was asked. */
  readonly cost: Money | undefined
  readonly attempts: () => ReadonlyArray<Attempt>
  /** Once. */
  readonly start: (sink: ReplySink) => void
  readonly pause: () => void
  readonly resume: () => void
  /** The caller hung up: closes the provider's socket at once. The sink hears nothing more. Idempotent. */
  readonly cancel: () => StreamEnd
}
