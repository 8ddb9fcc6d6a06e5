import type { FrontDialect } from "../domain/Dialect.js"
import * as Money from "../domain/Money.js"
import type { ProviderError } from "../domain/ProviderError.js"
import { outputTotal, total, type Usage } from "../domain/Usage.js"
import type { Pricing } from "../ledger/Pricing.js"
import * as AnswerText from "../protocol/AnswerText.js"
import type { Lost } from "../protocol/Lossiness.js"
import * as Translation from "../protocol/Translation.js"
import type { ProviderAnswer } from "../provider/Provider.js"
import type { ProviderStream } from "../provider/StreamCall.js"
import type { Timers } from "../provider/Timers.js"
import { vendors } from "../provider/Vendor.js"
import type { AttemptLog } from "../routing/AttemptLog.js"
import type { Served } from "../routing/Calls.js"
import type { Candidate } from "../routing/Candidate.js"
import type { ChatReply, ChatReplyStream, ServedBy, StreamEnd } from "./ChatReply.js"

/** A chain that found somebody. */
export interface Run<A> {
  readonly served: Served<A>
  readonly log: AttemptLog
  readonly timers: Timers
  /** The dialect of the request. */
  readonly dialect: FrontDialect
}

/** Closes the books of a whole answer. */
export const buffered = (
  { dialect, served, log, timers }: Run<ProviderAnswer>,
  pricing: Pricing["Type"]
): ChatReply => {
  const { candidate, attempt, value } = served
  const { answer, status } = value
  const cost = costOf(candidate, answer.model, answer.usage, answer.reportedCost, pricing, timers)
  attempt.succeed(status, answer.usage, cost)
  attempt.close(answer.usage === undefined ? AnswerText.textOf(answer).length : 0)
  if (answer.usage !== undefined) served.permit.used(total(answer.usage))
  served.permit.succeed(tokensOf(answer.usage))
  return {
    provider: candidate.instance.provider,
    instance: candidate.instance.id,
    model: candidate.model,
    fallback: served.fellBack,
    dropped: dropped(dialect, value.lost),
    cache: "bypass",
    age: undefined,
    saved: undefined,
    answer,
    attempts: log.view(),
    cost: totalCost(log)
  }
}

/** Closes the books of a stream when it ends, in whichever way. */
export const streamed = (
  { dialect, served, log, timers }: Run<ProviderStream>,
  pricing: Pricing["Type"]
): ChatReplyStream => {
  const { attempt, value: stream } = served
  const by = servedBy(served)
  attempt.succeed(stream.status, undefined, undefined)

  let settled: StreamEnd | undefined
  const settle = (error: ProviderError | undefined, cancelled: boolean): StreamEnd => {
    const usage = closeCall(served, { error, cancelled }, pricing, timers)
    settled = endOf(log, usage, error, by, stream.complete())
    return settled
  }

  return {
    ...by,
    dropped: dropped(dialect, stream.lost),
    cost: undefined,
    attempts: () => log.view(),
    start: (sink) => stream.start({ onFrames: sink.onFrames, onEnd: (error) => sink.onEnd(settle(error, false)) }),
    pause: stream.pause,
    resume: stream.resume,
    cancel: () => {
      if (settled !== undefined) return settled
      stream.abort()
      return settle(undefined, true)
    }
  }
}

const tokensOf = (usage: Usage | undefined): number | undefined =>
  usage === undefined ? undefined : outputTotal(usage)

/** Closes the books of one streamed call; what it has used, as far as its provider said. */
export const closeCall = (
  { attempt, candidate, counts, permit, value: stream }: Served<ProviderStream>,
  { cancelled, error }: { readonly error: ProviderError | undefined; readonly cancelled: boolean },
  pricing: Pricing["Type"],
  timers: Timers
): Usage | undefined => {
  const usage = stream.usage()
  const cost = costOf(candidate, stream.model(), usage, stream.reportedCost(), pricing, timers)
  attempt.succeed(stream.status, usage, cost)
  if (usage !== undefined) permit.used(total(usage))
  if (error !== undefined) {
    attempt.fail(error)
    permit.fail(error, counts(error))
  } else if (cancelled) {
    attempt.cancel()
    permit.release()
  } else permit.succeed(tokensOf(usage))
  return attempt.close(stream.said()).usage
}

/** How a stream ended whose calls have closed books. */
export const endOf = (
  log: AttemptLog,
  usage: Usage | undefined,
  error: ProviderError | undefined,
  served: StreamEnd["served"],
  complete: boolean
): StreamEnd => ({ attempts: log.view(), usage, cost: totalCost(log), complete, error, served })

export const servedBy = ({ candidate: { instance, model }, fellBack }: Served<unknown>): Omit<ServedBy, "dropped"> => ({
  provider: instance.provider,
  instance: instance.id,
  model,
  fallback: fellBack,
  cache: "bypass",
  age: undefined,
  saved: undefined
})

/** Mostly nothing. */
export const dropped = (dialect: FrontDialect, lost: ReadonlySet<Lost>): ReadonlyArray<string> =>
  lost.size === 0 ? nothing : Translation.dropped(dialect, lost)

const nothing: ReadonlyArray<string> = []

/** A vendor's own word first, where its word is good for that; then the prices. */
const costOf = (
  { instance, model }: Candidate,
  answered: string | undefined,
  usage: Usage | undefined,
  reported: Money.Money | undefined,
  pricing: Pricing["Type"],
  timers: Timers
): Money.Money | undefined => {
  if (reported !== undefined && vendors[instance.provider].reportsCost) return reported
  return usage === undefined ? undefined : pricing.charge(instance, namesOf(model, answered), usage, timers.now())
}

const namesOf = (asked: string, answered: string | undefined): ReadonlyArray<string> =>
  answered === undefined || answered === asked ? [asked] : [asked, answered]

/** As far as it is known: that a refusal was free says nothing of a call beside it whose price nobody knows. */
const totalCost = (log: AttemptLog): Money.Money | undefined => {
  const costs = log.costs()
  const sum = Money.sum(costs)
  return costs.length === 0 || (sum === Money.zero && costs.length < log.calls) ? undefined : sum
}
