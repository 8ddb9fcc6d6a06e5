import type { Attempt } from "../domain/Attempt.js"
import type { Money } from "../domain/Money.js"
import type { ProviderError } from "../domain/ProviderError.js"
import type { Usage } from "../domain/Usage.js"
import type { Quota } from "../limits/Claim.js"
import type { Candidate } from "./Candidate.js"

/** One call to a provider, open until it is settled. */
export class AttemptEntry {
  private readonly startedAt: number
  private ms = 0
  private outcome: Attempt["outcome"] | undefined = undefined
  private status: number | undefined = undefined
  private usage: Usage | undefined = undefined
  cost: Money | undefined = undefined
  private error: ProviderError | undefined = undefined

  constructor(
    private readonly candidate: Candidate,
    private readonly now: () => number,
    private readonly continuedAt: number | undefined
  ) {
    this.startedAt = now()
  }

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

  begin(candidate: Candidate): AttemptEntry {
    const entry = new AttemptEntry(candidate, this.now, this.continuedAt)
    this.entries.push(entry)
    return entry
  }

  /** What the calls cost, in so far as it is known. */
  costs(): ReadonlyArray<Money> {
    return this.entries.flatMap((entry) => (entry.cost === undefined ? [] : [entry.cost]))
  }

  view(): ReadonlyArray<Attempt> {
    return this.entries.map((entry) => entry.view())
  }
}
