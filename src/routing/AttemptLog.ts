import type { Attempt } from "../domain/Attempt.js"
import type { Money } from "../domain/Money.js"
import type { ProviderError } from "../domain/ProviderError.js"
import type { Usage } from "../domain/Usage.js"
import type { Quota } from "../limits/Claim.js"
import type { Candidate } from "./Candidate.js"

/** The books of one call. */
export interface Bill {
  /** The request is on its way: from here it may cost something. */
  sent(): void
  /** The call is over; `said`: about how many characters had come of an answer that has no usage. Gives what is charged. */
  close(attempt: Attempt, said: number): Charge
}

/** What a call took; `undefined` is unknown. */
export interface Charge {
  readonly usage: Usage | undefined
  readonly cost: Money | undefined
}

/** One call to a provider, open until it is settled. */
export class AttemptEntry {
  private readonly startedAt: number
  private ms = 0
  private outcome: Attempt["outcome"] | undefined = undefined
  private status: number | undefined = undefined
  private usage: Usage | undefined = undefined
  cost: Money | undefined = undefined
  private error: ProviderError | undefined = undefined
  private closed = false

  constructor(
    private readonly candidate: Candidate,
    private readonly now: () => number,
    private readonly continuedAt: number | undefined,
    private readonly bill: Bill | undefined
  ) {
    this.startedAt = now()
  }

  readonly sent = (): void => this.bill?.sent()

  succeed(status: number, usage: Usage | undefined, cost: Money | undefined): void {
    this.settle("success")
    this.status = status
    this.usage = usage
    this.cost = cost
  }

  /** Also after a success: a stream can fail in its middle, with what it has used. */
  fail(error: ProviderError): void {
    this.settle("failure")
    this.error = error
    this.status = error.status
  }

  /** The caller hung up. */
  cancel(): void {
    this.settle("cancelled")
  }

  /** Whoever asked has gone, unless it was over. */
  leave(): void {
    if (this.closed) return
    this.cancel()
    this.close()
  }

  /** It is over, and what it took is charged. The first word counts. */
  close(said = 0): Charge {
    if (!this.closed) {
      this.closed = true
      const charge = this.bill?.close(this.view(), said)
      if (charge !== undefined) {
        this.usage = charge.usage
        this.cost = charge.cost
      }
    }
    return { usage: this.usage, cost: this.cost }
  }

  of(instance: string, model: string): boolean {
    return this.candidate.instance.id === instance && this.candidate.model === model
  }

  view(): Attempt {
    const { candidate, continuedAt, error, status, usage, cost } = this
    const ms = this.outcome === undefined ? this.now() - this.startedAt : this.ms
    return {
      instance: candidate.instance.id,
      provider: candidate.instance.provider,
      model: candidate.model,
      startedAt: this.startedAt,
      ms: Math.round(ms * 10) / 10,
      outcome: this.outcome ?? "cancelled",
      category: error?.category,
      status,
      message: error?.message,
      usage,
      cost,
      ...(continuedAt === undefined ? {} : { continuedAt })
    }
  }

  private settle(outcome: Attempt["outcome"]): void {
    this.outcome = outcome
    this.ms = this.now() - this.startedAt
  }
}

/** The calls of one request, in order. */
export class AttemptLog {
  /** Calls that begin now are to go on behind so many characters of a broken stream. */
  continuedAt: number | undefined = undefined
  /** What the caller's own limits have left, where it has some. */
  quota: Quota | undefined = undefined

  private readonly entries: Array<AttemptEntry> = []

  /** `id`: of the request, where it has one. */
  constructor(
    readonly now: () => number,
    readonly id: string | undefined = undefined
  ) {}

  /** Calls made so far. */
  get calls(): number {
    return this.entries.length
  }

  /** Was this model of this instance called? */
  has({ instance, model }: Candidate): boolean {
    return this.entries.some((entry) => entry.of(instance.id, model))
  }

  begin(candidate: Candidate, bill: Bill | undefined): AttemptEntry {
    const entry = new AttemptEntry(candidate, this.now, this.continuedAt, bill)
    this.entries.push(entry)
    return entry
  }

  /** What the calls cost, in so far as it is known. */
  costs(): ReadonlyArray<Money> {
    return this.entries.flatMap((entry) => (entry.cost === undefined ? [] : [entry.cost]))
  }

  /** Nobody waits for any of them any more. */
  closeAll(): void {
    for (const entry of this.entries) entry.leave()
  }

  view(): ReadonlyArray<Attempt> {
    return this.entries.map((entry) => entry.view())
  }
}
