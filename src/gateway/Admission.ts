import * as Effect from "effect/Effect"
import type { ProviderError } from "../domain/ProviderError.js"
import type { Circuits } from "../health/Circuits.js"
import type { Ailment, CallKind, Permit } from "../health/Permit.js"
import type { Concurrency, Place } from "../limits/Concurrency.js"
import type { Refusal } from "../ledger/Purse.js"
import type { Timers } from "../provider/Timers.js"
import type { Candidate } from "../routing/Candidate.js"
import type { Bill } from "../routing/AttemptLog.js"
import type { Admission } from "../routing/Admission.js"
import type { Books } from "./Books.js"

/** Leave for the calls of one request: of its circuits, and a place at the instance until the call is over. */
export class RequestAdmission implements Admission {
  /** Places that were waited for and are not taken yet. */
  private kept: ReadonlyArray<Place> = nothing
  private readonly streamed: boolean

  constructor(
    private readonly circuits: Circuits["Type"],
    private readonly concurrency: Concurrency["Type"],
    private readonly timers: Timers,
    private readonly books: Books
  ) {
    this.streamed = books.request.stream
  }

  ailment(candidate: Candidate): Ailment | undefined {
    const { instance, model } = candidate
    const ill = this.circuits.ailment(instance, model, this.timers.now())
    if (ill !== undefined) return ill
    const refusal = this.books.refusal(candidate)
    return refusal === undefined ? undefined : unpaid(refusal)
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
    return this.circuits.pace(instance, model, this.streamed)?.p95
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

  room(candidates: ReadonlyArray<Candidate>): Effect.Effect<void> {
    return Effect.async((resume) => {
      const leave = this.concurrency.wait(
        candidates.map(({ instance }) => instance),
        (place) => {
          // Kept before anybody is told, so that an interruption in between loses nothing.
          this.kept = [...this.kept, place]
          resume(Effect.void)
        }
      )
      if (leave === undefined) resume(Effect.sleep(crowded))
      return Effect.sync(() => leave?.())
    })
  }

  drop(): void {
    for (const { release } of this.kept) release()
    this.kept = nothing
    this.books.giveAllBack()
  }

  private admitted(candidate: Candidate, extra: boolean, admit: Circuits["Type"]["admit"]): Permit | undefined {
    const { instance, model } = candidate
    const own = this.kept.find((place) => place.instance === instance.id)
    const release = own?.release ?? this.concurrency.take(instance)
    if (release === undefined) return undefined
    const permit = admit(
      instance,
      model,
      this.timers.now,
      kinds[this.streamed ? "stream" : "whole"][extra ? 1 : 0],
      () => {
        release()
        this.books.giveBack(candidate)
      }
    )
    if (permit !== undefined) {
      if (own !== undefined) this.kept = this.kept.filter((place) => place !== own)
      if (this.books.reserve(candidate)) return permit
      permit.release()
      return undefined
    }
    // What was waited for may do for another model of the instance; handed to the next one in line it would come back at once.
    if (own === undefined) release()
    return undefined
  }
}

const nothing: ReadonlyArray<Place> = []

/** What no budget pays for is not asked, now or in a moment. */
const unpaid = ({ resetsAt, scope }: Refusal): Ailment => ({
  scope: "instance",
  reason: "budget_exceeded",
  until: resetsAt ?? Number.POSITIVE_INFINITY,
  detail: `the budget ${scope} does not pay for the call`
})

/** Whoever finds too many waiting looks again after this, in ms. */
const crowded = 100

const kindsOf = (streamed: boolean): readonly [CallKind, CallKind] => [
  { streamed, extra: false },
  { streamed, extra: true }
]

const kinds = { stream: kindsOf(true), whole: kindsOf(false) }
