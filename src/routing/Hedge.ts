import * as Either from "effect/Either"
import type { ProviderError } from "../domain/ProviderError.js"
import type * as Call from "../provider/Call.js"
import type { CallTo, Served, Started } from "./Calls.js"
import type { Run } from "./Run.js"

/**
 * The call to a candidate and, where it is late and hedging is on, one call to another beside it. The first answer counts,
 * and the other call is given up at once; they have failed when both have. Either call is an attempt in the log.
 */
export const call =
  <A>(state: Run, callTo: CallTo<A>, position: number): Call.Call<Served<A>, ProviderError> =>
  (done) => {
    const after = lateAfter(state, position)
    return after === undefined
      ? alone(state, callTo, position, done)
      : new Race(state, callTo, done).start(position, (task) => state.timers.after(after, task))
  }

/** How long a call to a candidate may take to begin before another one is asked beside it, in ms. */
const lateAfter = ({ admission, plan }: Run, position: number): number | undefined => {
  const { candidates, hedge } = plan
  const candidate = candidates[position]
  if (!hedge.enabled || candidate === undefined || position === candidates.length - 1) return undefined
  return hedge.after ?? admission.p95(candidate)
}

/** Who may be asked beside the one at this position, its leave taken: the next at another instance. */
const besides = (state: Run, position: number): number | undefined => {
  const { admission, plan } = state
  const late = plan.candidates[position]
  // Whoever is late pays.
  if (late === undefined || !admission.mayRetry(late)) return undefined
  for (const [other, { catch: rules, instance }] of plan.candidates.entries()) {
    if (other <= position || instance === late.instance || state.callsLeft(other) <= 0) continue
    // What it catches has not happened.
    if (rules !== undefined || !state.admits(other)) continue
    admission.pay(late)
    return other
  }
  return undefined
}

type Done<A> = (result: Either.Either<Served<A>, ProviderError>) => void

const alone = <A>(state: Run, callTo: CallTo<A>, position: number, done: Done<A>): (() => void) => {
  const started = state.start(position, callTo)
  const cancel = started.call((result) => {
    done(
      Either.isRight(result)
        ? Either.right(state.served(result.right, started))
        : Either.left(state.failed(started, result.left))
    )
  })
  return () => {
    cancel()
    started.permit.release()
  }
}

class Race<A> {
  private readonly running = new Map<Started<A>, () => void>()
  private over = false
  private stopTimer: (() => void) | undefined = undefined
  private won: (() => void) | undefined = undefined

  constructor(
    private readonly state: Run,
    private readonly callTo: CallTo<A>,
    private readonly done: Done<A>
  ) {}

  start(position: number, whenLate: (task: () => void) => () => void): () => void {
    this.stopTimer = whenLate(() => {
      const other = this.over ? undefined : besides(this.state, position)
      if (other !== undefined) this.begin(other)
    })
    this.begin(position)
    return () => {
      this.finish()
      this.won?.()
    }
  }

  private begin(position: number): void {
    const started = this.state.start(position, this.callTo)
    // There is none yet where it ends on the spot.
    let cancel: (() => void) | undefined = undefined
    this.running.set(started, () => cancel?.())
    cancel = started.call((result) => {
      this.running.delete(started)
      if (Either.isLeft(result)) {
        const error = this.state.failed(started, result.left)
        // The other one may still answer.
        if (this.running.size > 0) return
        this.finish()
        this.done(Either.left(error))
      } else {
        this.finish()
        // Its caller may hang up before it holds the answer.
        this.won = () => {
          cancel?.()
          started.permit.release()
        }
        this.done(Either.right(this.state.served(result.right, started)))
      }
    })
  }

  private readonly finish = (): void => {
    this.over = true
    this.stopTimer?.()
    for (const [started, cancel] of this.running) {
      cancel()
      this.state.abandoned(started)
    }
    this.running.clear()
  }
}
