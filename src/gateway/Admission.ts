import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { InstanceSettings } from "../config/Settings.js"
import type { Caller } from "../domain/Caller.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { ProviderError } from "../domain/ProviderError.js"
import type { Circuits } from "../health/Circuits.js"
import type { Ailment, CallKind, Permit } from "../health/Permit.js"
import type { Claim } from "../limits/Claim.js"
import type { Concurrency, Place } from "../limits/Concurrency.js"
import * as InstanceLimits from "../limits/InstanceLimits.js"
import type { Grant, RateLimiter } from "../limits/RateLimiter.js"
import type { Timers } from "../provider/Timers.js"
import * as Ailing from "../routing/Ailing.js"
import type { Candidate } from "../routing/Candidate.js"
import type { Bill } from "../routing/AttemptLog.js"
import type { Admission } from "../routing/Admission.js"
import type { Books } from "./Books.js"

/**
 * Leave for the calls of one request: of its circuits, a place at the instance until the call is over, and its part of what the
 * instance may be asked in a minute. A leave that is given back before its call has cost that part all the same.
 */
export class RequestAdmission implements Admission {
  /** Places that were waited for and are not taken yet. */
  private kept: ReadonlyArray<Place> = nothing
  /** The same of limits, by instance. */
  private grants: ReadonlyMap<string, Grant> = noGrants
  /** Until when a limit that is kept elsewhere has refused, by instance (Unix ms). */
  private refused: ReadonlyMap<string, number> = noRefusals
  /** The limit of this instance, or a budget that pays for it, is kept elsewhere and is to be asked. */
  private unasked: { readonly instance: string; readonly ask: Effect.Effect<void> } | undefined = undefined

  constructor(
    private readonly circuits: Circuits["Type"],
    private readonly concurrency: Concurrency["Type"],
    private readonly timers: Timers,
    private readonly request: ChatRequest,
    private readonly limiter: RateLimiter["Type"],
    private readonly caller: Caller,
    private readonly books: Books
  ) {}

  ailment(candidate: Candidate): Ailment | undefined {
    const { instance, model } = candidate
    const ill = this.circuits.ailment(instance, model, this.timers.now())
    if (ill !== undefined) return ill
    const refusal = this.books.refusal(candidate)
    return refusal === undefined ? undefined : { scope: "instance", ...Ailing.unpaid(refusal) }
  }

  bill(candidate: Candidate): Bill {
    return this.books.bill(candidate)
  }

  admit(candidate: Candidate, extra: boolean): Permit | undefined {
    return this.admitted(candidate, extra, this.circuits.admit)
  }

  admitLast(candidate: Candidate, extra: boolean): Permit | undefined {
    return this.admitted(candidate, extra, this.circuits.admitLast)
  }

  p95({ instance, model }: Candidate): number | undefined {
    return this.circuits.pace(instance, model, this.request.stream)?.p95
  }

  pay({ instance }: Candidate): void {
    this.circuits.pay(instance, this.timers.now())
  }

  mayRetry({ instance }: Candidate): boolean {
    return this.circuits.mayRetry(instance, this.timers.now())
  }

  goesOn({ instance: from, model }: Candidate, to: Candidate, error: ProviderError, request: string | undefined): void {
    // A stream may be continued by who broke it.
    if (to.instance.id === from.id && to.model === model) return
    this.circuits.failover({ from, model, to: to.instance, error, request }, this.timers.now())
  }

  roomAt({ instance }: Candidate): number | undefined {
    if (instance.rateLimit === undefined || this.grants.has(instance.id)) return undefined
    const claim = this.claimOf(instance)
    const refusal = claim && this.limiter.shortage(claim)
    if (refusal === undefined) {
      const until = this.refused.get(instance.id) ?? 0
      return until > this.timers.now() ? until : undefined
    }
    const { limit, wait } = refusal
    const crowded = claim !== undefined && this.limiter.isFull(limit, claim.owner)
    return crowded ? Number.POSITIVE_INFINITY : this.timers.now() + wait
  }

  later({ instance }: Candidate): Effect.Effect<void> | undefined {
    return this.unasked?.instance === instance.id ? this.unasked.ask : undefined
  }

  room(candidates: ReadonlyArray<Candidate>): Effect.Effect<void> {
    return Effect.async((resume) => {
      // Two models of an instance are held to the same limit.
      const limited = new Set(
        candidates.flatMap((candidate) => (this.roomAt(candidate) === undefined ? [] : [candidate.instance]))
      )
      const instances = candidates.flatMap(({ instance }) => (limited.has(instance) ? [] : [instance]))
      const leaves: Array<() => void> = []
      let over = false
      let hopeful = limited.size + (instances.length > 0 ? 1 : 0)
      // What comes is kept before anybody is told, so that an interruption in between loses nothing.
      const come = (): void => {
        over = true
        for (const leave of leaves) leave()
        resume(Effect.void)
      }
      // Whoever waits in one line at least stays in it.
      const refuse = (): void => {
        hopeful--
        if (hopeful === 0 && !over) resume(Effect.sleep(crowded))
      }
      for (const instance of limited) {
        const claim = over ? undefined : this.claimOf(instance)
        if (claim === undefined) continue
        const leave = this.limiter.wait(claim, (result) => {
          if (result._tag === "Refusal") return refuse()
          if (over) return result.giveBack()
          this.grants = new Map([...this.grants, [instance.id, result]])
          come()
        })
        leaves.push(leave)
      }
      if (instances.length > 0 && !over) {
        const leave = this.concurrency.wait(instances, (place) => {
          this.kept = [...this.kept, place]
          come()
        })
        if (leave === undefined) refuse()
        else leaves.push(leave)
      }
      return Effect.sync(() => {
        over = true
        for (const leave of leaves) leave()
      })
    })
  }

  drop(): void {
    for (const { release } of this.kept) release()
    for (const grant of this.grants.values()) grant.giveBack()
    this.kept = nothing
    this.books.giveAllBack()
    this.grants = noGrants
  }

  private admitted(candidate: Candidate, extra: boolean, admit: Circuits["Type"]["admit"]): Permit | undefined {
    const { instance, model } = candidate
    const claim = instance.rateLimit === undefined ? undefined : this.claimOf(instance)
    // Nothing is taken for whom its circuits keep away.
    const away = claim !== undefined && admit === this.circuits.admit && this.ailment(candidate) !== undefined
    if (away) return undefined
    const own = this.kept.find((place) => place.instance === instance.id)
    const release = own?.release ?? this.concurrency.take(instance)
    if (release === undefined) return undefined
    const grant = claim === undefined ? undefined : this.granted(instance.id, claim)
    const end = (tokens?: number): void => {
      release()
      this.books.giveBack(candidate)
      if (tokens !== undefined) grant?.settle(tokens)
    }
    const permit =
      claim !== undefined && grant === undefined
        ? undefined
        : admit(instance, model, this.timers.now, kinds[this.request.stream ? "stream" : "whole"][extra ? 1 : 0], end)
    if (permit !== undefined) {
      if (own !== undefined) this.kept = this.kept.filter((place) => place !== own)
      if (grant !== undefined) this.forget(instance.id)
      const reserved = this.books.reserve(candidate)
      if (reserved === true) return permit
      permit.release()
      grant?.giveBack()
      if (reserved !== false) this.unasked = { instance: instance.id, ask: Effect.ensuring(reserved, this.answered) }
      return undefined
    }
    // What was waited for may do for another model of the instance; handed to the next one in line it would come back at once.
    if (own === undefined) release()
    if (grant !== undefined && !this.grants.has(instance.id)) grant.giveBack()
    return undefined
  }

  /** What a call takes of the limit of its instance; `undefined`: there is not enough, or nobody knows yet. */
  private granted(instance: string, claim: Claim): Grant | undefined {
    const kept = this.grants.get(instance)
    if (kept !== undefined) return kept
    if ((this.refused.get(instance) ?? 0) > this.timers.now()) return undefined
    const taken = this.limiter.take(claim)
    if (Either.isRight(taken)) return taken.right._tag === "Grant" ? taken.right : undefined
    const ask = Effect.map(taken.left, (result) => {
      this.unasked = undefined
      if (result._tag === "Grant") this.grants = new Map([...this.grants, [instance, result]])
      else this.refused = new Map([...this.refused, [instance, this.timers.now() + Math.max(1, result.wait)]])
    })
    this.unasked = { instance, ask }
    return undefined
  }

  private readonly answered = Effect.sync(() => {
    this.unasked = undefined
  })

  private forget(instance: string): void {
    if (this.grants.has(instance)) this.grants = new Map([...this.grants].filter(([id]) => id !== instance))
  }

  private claimOf(instance: InstanceSettings): Claim | undefined {
    return InstanceLimits.claimOf(instance, this.request, this.caller)
  }
}

const noGrants: ReadonlyMap<string, Grant> = new Map()

const noRefusals: ReadonlyMap<string, number> = new Map()

const nothing: ReadonlyArray<Place> = []

/** Whoever finds too many waiting looks again after this, in ms. */
const crowded = 100

const kindsOf = (streamed: boolean): readonly [CallKind, CallKind] => [
  { streamed, extra: false },
  { streamed, extra: true }
]

const kinds = { stream: kindsOf(true), whole: kindsOf(false) }
