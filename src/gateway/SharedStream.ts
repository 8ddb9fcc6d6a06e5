import * as Money from "../domain/Money.js"
import * as ProviderError from "../domain/ProviderError.js"
import type { Cancel, Timers } from "../provider/Timers.js"
import type { ChatReplyStream, ReplySink, StreamEnd } from "./ChatReply.js"

/** What becomes of a stream besides being read. */
export interface Fate {
  /** It ended cleanly, and these are all its frames. */
  readonly onWhole: (frames: ReadonlyArray<Buffer>, end: StreamEnd) => void
  /** From now on nobody can share it. */
  readonly onOver: () => void
}

/**
 * A stream under way that is written down as it passes, and that several callers may read: each from its beginning, at its own
 * pace. It runs as fast as the fastest reader takes it and lives while anybody reads. What is written down is bounded: a longer
 * stream can neither be kept nor joined any more, and goes on at the pace of the slowest who is there. Who has stopped reading
 * is cut off after a while, so that the others go on: its stream ends in an error.
 */
export class SharedStream {
  /** From `first` on; frames before it are gone. */
  private frames: Array<Buffer> = []
  private first = 0
  private bytes = 0
  private whole = true
  private readonly readers = new Set<Reader>()
  private started = false
  private held = false
  private end: StreamEnd | undefined = undefined
  /** Some wait for others, who are here. */
  private waiting: { readonly at: number; readonly stop: Cancel } | undefined = undefined

  /** `limit`: how much may be written down, in bytes. */
  constructor(
    private readonly source: ChatReplyStream,
    private readonly limit: number,
    private readonly timers: Timers,
    private readonly fate: Fate
  ) {}

  /**
   * Another reader of it: the one for whom it was asked, or one who shares it, and says what is to be done when that is over;
   * the end is that of the stream itself. `undefined`: its beginning is gone, or it is over.
   */
  join(shares: ((end: StreamEnd) => void) | undefined): ChatReplyStream | undefined {
    if (!this.whole || this.end !== undefined) return undefined
    const reader = new Reader(this, shares)
    this.readers.add(reader)
    const { source } = this
    const leads = shares === undefined
    return {
      ...source,
      ...(leads ? { cache: "miss" } : { cache: "hit", age: 0, cost: Money.zero }),
      attempts: leads ? source.attempts : () => [],
      start: (sink) => {
        if (reader.end !== undefined) return sink.onEnd(reader.end)
        reader.sink = sink
        this.run()
        this.turn(reader)
      },
      pause: () => {
        reader.paused = true
        this.balance()
      },
      resume: () => {
        reader.paused = false
        this.turn(reader)
      },
      cancel: () => this.leave(reader)
    }
  }

  /** Nobody came for it. */
  readonly abandon = (): void => {
    if (this.readers.size > 0 || this.end !== undefined) return
    this.over(this.source.cancel())
  }

  /** Frames behind `position`. */
  from(position: number): ReadonlyArray<Buffer> {
    return this.frames.slice(position - this.first)
  }

  private run(): void {
    if (this.started) return
    this.started = true
    this.source.start({ onFrames: this.take, onEnd: this.close })
    // Its start let it run, whatever was said meanwhile.
    this.held = false
    this.balance()
  }

  private readonly take = (frames: ReadonlyArray<Buffer>): void => {
    for (const frame of frames) {
      this.frames.push(frame)
      this.bytes += frame.length
    }
    for (const reader of this.readers) reader.read()
    this.trim()
    this.balance()
  }

  private readonly close = (end: StreamEnd): void => {
    const { frames, whole } = this
    this.over(end)
    if (whole && end.error === undefined) this.fate.onWhole(frames, end)
    for (const reader of this.readers) this.turn(reader)
  }

  private over(end: StreamEnd): void {
    this.end = end
    this.waiting?.stop()
    this.waiting = undefined
    this.fate.onOver()
  }

  /** A reader may go on. */
  private turn(reader: Reader): void {
    reader.read()
    if (this.end !== undefined && reader.position === this.length) this.finish(reader, this.end)
    this.trim()
    this.balance()
  }

  private finish(reader: Reader, end: StreamEnd): void {
    if (reader.sink === undefined || !this.readers.delete(reader)) return
    reader.end = this.endFor(reader, end)
    reader.sink.onEnd(reader.end)
  }

  private leave(reader: Reader): StreamEnd {
    if (reader.end !== undefined) return reader.end
    this.readers.delete(reader)
    if (this.end === undefined && this.readers.size === 0) this.over(this.source.cancel())
    reader.end = this.endFor(reader, this.end ?? this.soFar())
    this.trim()
    this.balance()
    return reader.end
  }

  private endFor({ shares }: Reader, end: StreamEnd): StreamEnd {
    if (shares === undefined) return { ...end, served: { ...end.served, cache: "miss" } }
    shares(end)
    return {
      ...end,
      served: { ...end.served, cache: "hit", age: 0, saved: end.cost },
      attempts: [],
      cost: Money.zero
    }
  }

  /** While others read on, nobody knows what it takes. */
  private soFar(): StreamEnd {
    const { age, attempts, cache, fallback, instance, model, provider, saved } = this.source
    const served = { provider, instance, model, fallback, cache, age, saved }
    return { served, attempts: attempts(), usage: undefined, cost: undefined, complete: false, error: undefined }
  }

  private get length(): number {
    return this.first + this.frames.length
  }

  /** What is longer than the limit is only kept for those who have not read it yet. */
  private trim(): void {
    if (this.bytes <= this.limit) return
    if (this.whole) {
      this.whole = false
      this.fate.onOver()
    }
    let slowest = this.length
    for (const { position } of this.readers) slowest = Math.min(slowest, position)
    for (const frame of this.frames.splice(0, slowest - this.first)) this.bytes -= frame.length
    this.first = slowest
  }

  /** The source runs while somebody waits for it, and nobody is too far behind. */
  private balance(): void {
    if (!this.started || this.end !== undefined) return
    const { length } = this
    let wanted = false
    for (const { paused, position, sink } of this.readers) {
      wanted ||= sink !== undefined && !paused && position === length
    }
    const full = this.bytes > this.limit
    this.wait(wanted && full)
    const held = !wanted || full
    if (held === this.held) return
    this.held = held
    if (held) this.source.pause()
    else this.source.resume()
  }

  /** Looks after whoever keeps others waiting, from the moment that the slowest have read last. */
  private wait(others: boolean): void {
    const { first, timers, waiting } = this
    if (others && waiting?.at === first) return
    waiting?.stop()
    this.waiting = others ? { at: first, stop: timers.after(patience, this.cutOff) } : undefined
  }

  private readonly cutOff = (): void => {
    const { at } = this.waiting ?? {}
    this.waiting = undefined
    const { instance, model, provider } = this.source
    const error = ProviderError.make("network", { provider, instance, model, message: notRead })
    for (const reader of this.readers) {
      if (reader.position !== at) continue
      this.readers.delete(reader)
      reader.end = this.endFor(reader, { ...this.soFar(), error })
      reader.sink?.onEnd(reader.end)
    }
    this.trim()
    this.balance()
  }
}

class Reader {
  position = 0
  paused = false
  sink: ReplySink | undefined = undefined
  end: StreamEnd | undefined = undefined

  constructor(
    private readonly stream: SharedStream,
    readonly shares: ((end: StreamEnd) => void) | undefined
  ) {}

  /** Takes what there is, in pieces, until it is enough. */
  read(): void {
    while (this.sink !== undefined && !this.paused && this.end === undefined) {
      const frames = this.stream.from(this.position)
      if (frames.length === 0) return
      const piece = frames.length <= mostFrames ? frames : frames.slice(0, mostFrames)
      // Before they are handed over: whoever takes them may pause, resume or leave at once.
      this.position += piece.length
      this.sink.onFrames(piece)
    }
  }
}

/** How long one who reads nothing may keep the others waiting, in ms. */
const patience = 10_000

const notRead = "the answer was shared with others, and this copy of it was not read for too long; ask again"

/** Handed over at once. */
const mostFrames = 64
