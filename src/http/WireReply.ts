import type { Attempt } from "../domain/Attempt.js"
import type { ErrorCategory } from "../domain/ErrorCategory.js"
import type { Money } from "../domain/Money.js"
import type { Usage } from "../domain/Usage.js"

/** A request as both doors hand it to a handler. */
export interface Inbound {
  readonly id: string
  readonly method: string
  /** Path and query. */
  readonly url: string
  /** Names in lower case; of a repeated header the first or the joined value. */
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  /** `performance.now()` when the request came in, in ms. */
  readonly at: number
}

/** What the access log says of a request besides its status. No content. */
export interface Facts {
  readonly asked: string | undefined
  /** The end user that the request names. */
  readonly user: string | undefined
  readonly provider: string | undefined
  readonly instance: string | undefined
  readonly model: string | undefined
  readonly stream: boolean
  readonly attempts: ReadonlyArray<Attempt>
  readonly fallback: boolean
  /** What of the request the provider was not told. */
  readonly dropped: ReadonlyArray<string>
  readonly usage: Usage | undefined
  readonly cost: Money | undefined
  /** Why it failed: a category or an error code. */
  readonly failure: ErrorCategory | (string & {}) | undefined
}

/** Takes the frames of a streamed body, then its facts. */
export interface BodySink {
  readonly write: (frames: ReadonlyArray<Buffer>) => void
  readonly end: (facts: Facts) => void
}

/** A body that comes bit by bit. It holds a provider's connection until it has ended or is cancelled. */
export interface StreamBody {
  readonly start: (sink: BodySink) => void
  readonly pause: () => void
  readonly resume: () => void
  /** The caller hung up; the sink hears nothing more. */
  readonly cancel: () => Facts
}

/** An answer before either door has written it. */
export interface WireReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | StreamBody
  readonly facts: Facts
}

export const noFacts: Facts = {
  asked: undefined,
  user: undefined,
  provider: undefined,
  instance: undefined,
  model: undefined,
  stream: false,
  attempts: [],
  fallback: false,
  dropped: [],
  usage: undefined,
  cost: undefined,
  failure: undefined
}

/** Whether an Anthropic path was called, also one that is not served. */
export const isAnthropic = ({ url }: Pick<Inbound, "url">): boolean => /^\/v1\/messages(?:[/?]|$)/i.test(url)

/** The first value of a header. */
export const header = (inbound: Pick<Inbound, "headers">, name: string): string | undefined => {
  const value = inbound.headers[name]
  return value === undefined || typeof value === "string" ? value : value[0]
}
