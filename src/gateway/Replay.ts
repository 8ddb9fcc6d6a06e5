import type { StoredAnswer } from "../cache/CacheStore.js"
import type { Found } from "../cache/ResponseCache.js"
import type { CacheOutcome } from "../domain/CacheControl.js"
import type { ChatAnswer } from "../domain/ChatAnswer.js"
import * as Money from "../domain/Money.js"
import * as Json from "../protocol/Json.js"
import type { ChatReply, ChatReplyStream, ReplySink, ServedBy, StreamEnd } from "./ChatReply.js"

/** Calls that failed before an answer that was kept was given instead; mostly none. */
type Failed = ChatReply["attempts"]

/** An answer that was kept, as a whole one. */
export const whole = (found: Found, cache: CacheOutcome, failed: Failed): ChatReply => {
  const { age, answer } = found
  // No spread: this is all that a hit takes.
  return {
    provider: answer.provider,
    instance: answer.instance,
    model: answer.model,
    fallback: false,
    dropped: answer.dropped,
    cache,
    age,
    saved: answer.cost,
    answer: new KeptAnswer(answer),
    attempts: failed,
    cost: Money.zero
  }
}

/** An answer that was kept, as the stream that it was: as fast as it is taken. */
export const stream = (found: Found, cache: CacheOutcome, failed: Failed): ChatReplyStream => {
  const by = servedBy(found, cache)
  const { cancel, pause, resume, start } = new Replay(found, by, failed)
  return { ...by, cost: Money.zero, attempts: () => failed, start, pause, resume, cancel }
}

const servedBy = ({ age, answer }: Found, cache: CacheOutcome): ServedBy => ({
  provider: answer.provider,
  instance: answer.instance,
  model: answer.model,
  fallback: false,
  dropped: answer.dropped,
  cache,
  age,
  saved: answer.cost
})

/** Read again only for whoever looks into it; most only pass it on. */
class KeptAnswer implements ChatAnswer {
  readonly body: Uint8Array
  readonly model: string | undefined
  readonly usage: ChatAnswer["usage"]
  /** Else it had not been kept. */
  readonly complete = true
  readonly reportedCost = undefined
  private read: ChatAnswer["view"] | undefined = undefined

  constructor(answer: StoredAnswer) {
    this.body = answer.body
    this.model = answer.answered
    this.usage = answer.usage
  }

  get view(): ChatAnswer["view"] {
    return (this.read ??= Json.record(Json.parsedForReading(Buffer.from(this.body).toString())))
  }
}

class Replay {
  private sink: ReplySink | undefined = undefined
  private paused = false
  private playing = false
  private over = false
  /** The next frame, and where it begins. */
  private next = 0
  private at = 0

  constructor(
    private readonly found: Found,
    private readonly by: ServedBy,
    private readonly failed: Failed
  ) {}

  readonly start = (sink: ReplySink): void => {
    this.sink = sink
    this.play()
  }

  readonly pause = (): void => {
    this.paused = true
  }

  readonly resume = (): void => {
    this.paused = false
    this.play()
  }

  readonly cancel = (): StreamEnd => {
    this.over = true
    return this.end
  }

  private play(): void {
    const { frames } = this.found.answer
    const { sink } = this
    // Whoever takes frames may resume while they are handed over.
    if (sink === undefined || frames === undefined || this.playing) return
    this.playing = true
    while (!this.paused && !this.over && this.next < frames.length) sink.onFrames(this.batch(frames))
    this.playing = false
    if (this.over || this.next < frames.length) return
    this.over = true
    sink.onEnd(this.end)
  }

  private batch(frames: Uint32Array): ReadonlyArray<Buffer> {
    const { buffer, byteOffset } = this.found.answer.body
    const batch: Array<Buffer> = []
    for (let size = 0; this.next < frames.length && batch.length < mostFrames && size < enoughBytes; this.next++) {
      const length = frames[this.next] ?? 0
      batch.push(Buffer.from(buffer, byteOffset + this.at, length))
      this.at += length
      size += length
    }
    return batch
  }

  private get end(): StreamEnd {
    const { dropped: _, ...served } = this.by
    const { usage } = this.found.answer
    return { served, attempts: this.failed, usage, cost: Money.zero, complete: true, error: undefined }
  }
}

/** Handed over at once. */
const mostFrames = 32
const enoughBytes = 32 * 1024
