import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { ProviderError } from "../domain/ProviderError.js"
import { plus, type Usage } from "../domain/Usage.js"
import type { Pricing } from "../ledger/Pricing.js"
import * as ContinuedRequest from "../protocol/ContinuedRequest.js"
import type { OngoingAnswer } from "../protocol/OngoingAnswer.js"
import type { ProviderStream } from "../provider/StreamCall.js"
import type { Cancel } from "../provider/Timers.js"
import type { AttemptLog } from "../routing/AttemptLog.js"
import type { Candidate } from "../routing/Candidate.js"
import * as Continuation from "../routing/Continuation.js"
import type { Plan } from "../routing/Plan.js"
import type { CallTo, Served } from "../routing/Calls.js"
import type { ChatReplyStream, ReplySink, StreamEnd } from "./ChatReply.js"
import * as Settlement from "./Settlement.js"

/** What it takes to ask somebody else. */
export interface Onward<A> extends Continuation.Seam {
  readonly request: ChatRequest
  /** Asks for the rest of an answer. */
  readonly asking: (request: ChatRequest, answerOf: () => OngoingAnswer) => CallTo<A>
  /** For what goes on after the first call of a seam has failed: nobody's fiber is there any more. */
  readonly runtime: Runtime.Runtime<never>
}

/**
 * A stream that has begun; where `onward` is set, another candidate goes on with it when it breaks, as often as there are
 * candidates and calls. Its caller sees one answer that pauses at the seam; what a call says that fails before its own first
 * output is never seen. Each call has its own books, and circuits hear of each. When nobody can go on it ends with the last
 * failure.
 */
export const streamed = (
  run: Settlement.Run<ProviderStream>,
  pricing: Pricing["Type"],
  onward: Onward<ProviderStream> | undefined
): ChatReplyStream => {
  const { log, served } = run
  const { answer, lost, status } = served.value
  if (onward === undefined || answer === undefined) return Settlement.streamed(run, pricing)
  served.attempt.succeed(status, undefined, undefined)
  const { cancel, pause, resume, start } = new ContinuedStream(served, answer, onward, pricing)
  return {
    ...Settlement.servedBy(served),
    dropped: Settlement.dropped(run.dialect, lost),
    cost: undefined,
    attempts: () => log.view(),
    start,
    pause,
    resume,
    cancel
  }
}

class ContinuedStream {
  private current: Served<ProviderStream>
  private plan: Plan
  /** The books of the current call are still open. */
  private open = true
  private sink: ReplySink | undefined = undefined
  private paused = false
  /** The current call is to be started when the caller reads on. */
  private held = false
  /** Gives up the call that is to go on. */
  private leaveSeam: Cancel | undefined = undefined
  private used: Usage | undefined = undefined
  private end: StreamEnd | undefined = undefined

  constructor(
    private readonly first: Served<ProviderStream>,
    private readonly answer: OngoingAnswer,
    private readonly onward: Onward<ProviderStream>,
    private readonly pricing: Pricing["Type"]
  ) {
    this.current = first
    this.plan = onward.plan
  }

  readonly start = (sink: ReplySink): void => {
    this.sink = sink
    this.play()
  }

  readonly pause = (): void => {
    this.paused = true
    if (this.open) this.current.value.pause()
  }

  readonly resume = (): void => {
    this.paused = false
    if (this.held) this.play()
    else if (this.open) this.current.value.resume()
  }

  readonly cancel = (): StreamEnd => {
    if (this.end !== undefined) return this.end
    if (this.open) this.current.value.abort()
    this.close(undefined, true)
    const end = this.ended(undefined)
    this.leaveSeam?.()
    return end
  }

  private play(): void {
    this.held = false
    const { value } = this.current
    value.start({
      onFrames: this.show,
      onEnd: (error) => {
        this.close(error, false)
        if (error === undefined) this.finish(undefined)
        else this.goOn(error)
      }
    })
    // Its start let it run.
    if (this.paused) value.pause()
  }

  private readonly show = (frames: ReadonlyArray<Buffer>): void => {
    this.answer.handed(frames.length)
    this.sink?.onFrames(frames)
  }

  /** The current call is over, and has broken with this error. */
  private goOn(error: ProviderError): void {
    const { answer, current } = this
    answer.broke(current.value.usage())
    if (answer.finished && Continuation.mayGoOn(error)) {
      // All was said; only the end is missing.
      this.show(answer.close(undefined))
      return this.finish(undefined)
    }
    try {
      this.cross({ plan: this.plan, candidate: current.candidate, counts: this.first.counts, error })
    } catch (defect) {
      this.giveUp(Cause.die(defect), error)
    }
  }

  /** Asks somebody to go on; whoever does is adopted at its first output. */
  private cross(broken: Continuation.Broken): void {
    const { answer, onward } = this
    const plan = answer.continuable ? Continuation.planOf(onward, broken) : undefined
    const request = plan === undefined ? undefined : ContinuedRequest.make(onward.request, answer.text)
    if (plan === undefined || request === undefined) return this.finish(broken.error)
    this.plan = plan
    const at = answer.text.length
    onward.log.continuedAt = at
    const said = ContinuedRequest.tokensOf(answer.text)
    const asking = onward.asking(request, () => answer)
    let announced = false
    let last = broken.error
    const callTo: CallTo<ProviderStream> = (candidate, limit, entry) => {
      if (!announced) this.announce(broken, candidate, at)
      announced = true
      const { maxTokens } = candidate
      const bound = maxTokens === undefined ? undefined : ContinuedRequest.rest(maxTokens, said)
      return asking({ ...candidate, maxTokens: bound }, limit, entry)
    }
    const start = Continuation.run(onward, { ...broken, plan }, callTo, this.adopt, (error) => {
      last = error
    })
    let leaveFiber: Cancel | undefined
    let settled = false
    const leave = start((outcome) => {
      settled = true
      // The adopted stream is left by itself.
      if (Either.isRight(outcome) || this.end !== undefined) return
      const following = Effect.annotateLogs(outcome.left, { ...named(onward.log), ...continues(at) })
      const fiber = Runtime.runFork(onward.runtime)(following)
      leaveFiber = () => fiber.unsafeInterruptAsFork(fiber.id())
      fiber.addObserver((exit) => {
        if (Exit.isFailure(exit)) this.giveUp(exit.cause, last)
      })
    })
    this.leaveSeam = () => {
      leaveFiber?.()
      if (!settled) leave()
    }
  }

  private readonly adopt = (served: Served<ProviderStream>): void => {
    if (this.end !== undefined) {
      served.value.abort()
      served.attempt.leave()
      return served.permit.release()
    }
    served.attempt.succeed(served.value.status, undefined, undefined)
    this.current = served
    this.open = true
    this.held = this.paused
    if (!this.paused) this.play()
  }

  private announce({ candidate: from, error }: Continuation.Broken, to: Candidate, at: number): void {
    const { admission, log } = this.onward
    admission.goesOn(from, to, error, log.id)
    Runtime.runFork(this.onward.runtime)(
      Effect.logWarning("fallback").pipe(
        Effect.annotateLogs({
          from: from.instance.id,
          to: to.instance.id,
          model: to.model,
          reason: error.category,
          detail: error.message,
          ...named(log),
          ...continues(at)
        })
      )
    )
  }

  /** Nobody went on; a defect is logged. */
  private giveUp(cause: Cause.Cause<unknown>, error: ProviderError): void {
    if (this.end !== undefined) return
    if (Cause.isDie(cause))
      Runtime.runFork(this.onward.runtime)(
        Effect.logError("a stream was not continued", cause).pipe(Effect.annotateLogs(named(this.onward.log)))
      )
    if (this.open) this.current.value.abort()
    this.close(error, false)
    this.finish(error)
  }

  private close(error: ProviderError | undefined, cancelled: boolean): void {
    if (!this.open) return
    this.open = false
    const { timers } = this.onward
    this.used = plus(this.used, Settlement.closeCall(this.current, { error, cancelled }, this.pricing, timers))
  }

  private finish(error: ProviderError | undefined): void {
    if (this.end !== undefined) return
    this.sink?.onEnd(this.ended(error))
  }

  private ended(error: ProviderError | undefined): StreamEnd {
    const fallback = this.first.fellBack || this.current !== this.first
    const served = { ...Settlement.servedBy(this.current), fallback }
    this.end = Settlement.endOf(this.onward.log, this.used, error, served, this.current.value.complete())
    return this.end
  }
}

/** Whose request it is: at a seam nobody's fiber knows. */
const named = ({ id }: AttemptLog) => (id === undefined ? {} : { request: id })

/** How a seam is told in the log. */
const continues = (at: number) => ({ continues: `after ${at} characters` })
