import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

/** Takes what a source pushes. */
export interface Emit<A, E> {
  readonly items: (items: ReadonlyArray<A>) => void
  /** Without an error the end is clean. */
  readonly end: (error?: E) => void
}

/** A source that pushes and can be held back. */
export interface PushSource {
  readonly pause: () => void
  readonly resume: () => void
  /** Nobody listens any more; only called before its end. */
  readonly cancel: () => void
}

/**
 * A pushing source as a stream. It is opened when the stream is run, held back while nobody pulls, and cancelled when the
 * stream is left early.
 */
export const make = <A, E>(open: Effect.Effect<(emit: Emit<A, E>) => PushSource, E>): Stream.Stream<A, E> =>
  Stream.unwrapScoped(
    Effect.uninterruptibleMask((restore) =>
      restore(open).pipe(
        Effect.map((start) => new Puller(start)),
        Effect.tap((puller) => Effect.addFinalizer(() => Effect.sync(puller.close))),
        Effect.map((puller) => Stream.repeatEffectChunkOption(puller.pull))
      )
    )
  )

/** Items that may wait for a pull before the source is held back. */
const highWater = 32

class Puller<A, E> {
  private ready: Array<A> = []
  private end: Option.Option<Option.Option<E>> = Option.none()
  private closed = false
  private paused = false
  private wake: (() => void) | undefined = undefined
  private readonly source: PushSource

  constructor(start: (emit: Emit<A, E>) => PushSource) {
    this.source = start({
      items: (items) => {
        this.ready.push(...items)
        this.holdBack()
        this.wake?.()
      },
      end: (error) => {
        this.end = Option.some(Option.fromNullable(error))
        this.wake?.()
      }
    })
    this.holdBack()
  }

  readonly pull: Effect.Effect<Chunk.Chunk<A>, Option.Option<E>> = Effect.suspend(() => {
    if (this.ready.length > 0) return Effect.succeed(this.take())
    if (Option.isSome(this.end)) return Effect.fail(this.end.value)
    return Effect.flatMap(this.woken, () => this.pull)
  })

  readonly close = (): void => {
    if (!this.closed && Option.isNone(this.end)) this.source.cancel()
    this.closed = true
  }

  private readonly woken = Effect.async<void>((resume) => {
    this.wake = () => {
      this.wake = undefined
      resume(Effect.void)
    }
  })

  /** A source may push while it starts, before it can be held back. */
  private holdBack(): void {
    if (this.paused || this.source === undefined || this.ready.length < highWater) return
    this.paused = true
    this.source.pause()
  }

  private take(): Chunk.Chunk<A> {
    const items = Chunk.unsafeFromArray(this.ready)
    this.ready = []
    if (this.paused) {
      this.paused = false
      this.source.resume()
    }
    return items
  }
}
