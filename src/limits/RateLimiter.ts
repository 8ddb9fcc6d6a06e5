import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import type { Outcome } from "../provider/Call.js"
import * as Timers from "../provider/Timers.js"
import { partsOf, quotaOf, type Claim, type Kind, type Limit, type Part, type Quota } from "./Claim.js"
import { FairQueue } from "./FairQueue.js"
import { RateLimitStore, type Taken } from "./RateLimitStore.js"
import type { Level } from "./TokenBucket.js"

/** What was taken for one request. The first word about it counts. */
export interface Grant {
  readonly _tag: "Grant"
  readonly quota: Quota
  /** It has used so many tokens, in and out. */
  readonly settle: (tokens: number) => void
  /** It was never made. */
  readonly giveBack: () => void
}

/** Why nothing was taken. */
export interface Refusal {
  readonly _tag: "Refusal"
  readonly limit: Limit
  /** What of it is short. */
  readonly kind: Kind
  /** How much of that was wanted. */
  readonly amount: number
  /** Until it may be there, in ms; infinite: the limit never holds so much. */
  readonly wait: number
  readonly quota: Quota
}

/** Requests and tokens a minute, of whomever a claim names. Nothing of it has a fiber while nobody waits. */
export class RateLimiter extends Context.Tag("orelse/RateLimiter")<
  RateLimiter,
  {
    /** Takes what a claim wants, from all of its limits or from none, and not while others wait for one of them. */
    readonly take: (claim: Claim) => Outcome<Grant | Refusal, never>
    /** Why it would not be granted now, as far as that is known here; `undefined`: it would be. Takes nothing. */
    readonly shortage: (claim: Claim) => Refusal | undefined
    /**
     * Waits in line for it, at most as long and as many as the limit's `queue` says, and tells what came of it, unless it is
     * told at once or left before. Whoever could only wait in vain is refused at once.
     */
    readonly wait: (claim: Claim, done: (result: Grant | Refusal) => void) => Timers.Cancel
    /** What is left of a limit. */
    readonly quota: (limit: Limit) => Quota
    /** How many wait for it. */
    readonly waiting: (limit: Pick<Limit, "id">) => number
    /** Is its line full for this owner? Whoever has more waiting than others makes room for them. */
    readonly isFull: (limit: Pick<Limit, "id" | "queue">, owner: string) => boolean
    /** Ids of limits of which something is used, the latest first. */
    readonly known: () => Iterable<string>
    /** Whoever waits is refused, and from now on nobody waits. */
    readonly close: Effect.Effect<void>
  }
>() {
  static readonly layer: Layer.Layer<RateLimiter, never, RateLimitStore> = Layer.scoped(
    RateLimiter,
    Effect.gen(function* () {
      const store = yield* RateLimitStore
      const runtime = yield* Effect.runtime<never>()
      const limiter = new Limiter(store, Timers.ofClock(yield* Effect.clock), (effect, use) => {
        Runtime.runFork(runtime)(Effect.map(effect, use))
      })
      yield* Effect.addFinalizer(() => limiter.close)
      return limiter
    })
  )
}

interface Waiter {
  readonly claim: Claim
  readonly parts: ReadonlyArray<Part>
  readonly done: (result: Grant | Refusal) => void
  line: Line | undefined
  stopTimer: Timers.Cancel | undefined
}

/** Whoever waits for one limit. There is one only while somebody does. */
interface Line {
  readonly limit: Limit
  readonly queue: FairQueue<Waiter>
  stopTimer: Timers.Cancel | undefined
  /** The first one is being served; `again`: and something has come back meanwhile. */
  serving: boolean
  again: boolean
}

class Limiter {
  private readonly lines = new Map<string, Line>()
  private closed = false

  constructor(
    private readonly store: RateLimitStore["Type"],
    private readonly timers: Timers.Timers,
    private readonly fork: <A>(effect: Effect.Effect<A>, use: (value: A) => void) => void
  ) {}

  readonly take = (claim: Claim): Outcome<Grant | Refusal, never> => {
    const parts = partsOf(claim)
    if (this.lines.size > 0) {
      const refusal = this.behindOthers(claim, parts)
      if (refusal !== undefined) return Either.right(refusal)
    }
    const judged = (taken: Taken): Grant | Refusal => this.judged(parts, taken)
    return Either.mapBoth(this.store.take(parts, this.timers.now()), {
      onRight: judged,
      onLeft: (later) => Effect.map(later, judged)
    })
  }

  readonly shortage = (claim: Claim): Refusal | undefined => {
    const parts = partsOf(claim)
    const refusal = this.lines.size > 0 ? this.behindOthers(claim, parts) : undefined
    return refusal ?? this.short(parts, this.store.peek(parts, this.timers.now()))
  }

  readonly wait = (claim: Claim, done: Waiter["done"]): Timers.Cancel => {
    const parts = partsOf(claim)
    const waiter: Waiter = { claim, parts, done, line: undefined, stopTimer: undefined }
    const refusal = this.shortage(claim)
    // What was short a moment ago may be there: then the first one in line is asked for at once, and that is this one.
    const limit = refusal?.limit ?? claim.limits.find(({ queue }) => queue !== undefined)
    if (limit === undefined) {
      const taken = this.take(claim)
      if (Either.isRight(taken)) done(taken.right)
      else this.fork(taken.left, done)
      return nothing
    }
    if (refusal !== undefined && refusal.wait > (limit.queue?.timeout ?? 0)) {
      done(refusal)
      return nothing
    }
    if (limit.queue !== undefined && Number.isFinite(limit.queue.timeout)) {
      waiter.stopTimer = this.timers.after(limit.queue.timeout, () => this.giveUp(waiter))
    }
    this.join(waiter, limit)
    return () => this.leave(waiter)
  }

  readonly quota = (limit: Limit): Quota => {
    const parts = partsOf({ limits: [limit], tokens: 0 })
    return quotaOf(parts, this.store.peek(parts, this.timers.now()))
  }

  readonly waiting = ({ id }: Pick<Limit, "id">): number => this.lines.get(id)?.queue.size ?? 0

  readonly isFull = ({ id, queue }: Pick<Limit, "id" | "queue">, owner: string): boolean =>
    this.waiting({ id }) >= (queue?.max ?? 0) && this.lines.get(id)?.queue.yieldsTo(owner) !== true

  readonly known = (): Iterable<string> => {
    const ids = new Set<string>()
    for (const bucket of this.store.known()) ids.add(bucket.slice(0, bucket.lastIndexOf("/")))
    return ids
  }

  readonly close: Effect.Effect<void> = Effect.sync(() => {
    this.closed = true
    for (const line of this.lines.values()) for (const waiter of line.queue) this.giveUp(waiter)
  })

  /** Nobody overtakes whoever waits. */
  private behindOthers(claim: Claim, parts: ReadonlyArray<Part>): Refusal | undefined {
    for (const limit of claim.limits) {
      const line = this.lines.get(limit.id)
      if (line === undefined) continue
      const levels = this.store.peek(parts, this.timers.now())
      const short = this.short(parts, levels)
      const { kind, wait: behind } = behindIn(line, claim, parts, levels)
      // Whoever is short of another limit for longer has to hear of that one.
      if (short !== undefined && short.wait > behind) return short
      return refusalOf(limit, claim, kind, behind, parts, levels)
    }
    return undefined
  }

  /** What a claim has to wait for the longest. */
  private short(parts: ReadonlyArray<Part>, levels: ReadonlyArray<Level>): Refusal | undefined {
    let longest = 0
    let found: Part | undefined
    for (const [at, part] of parts.entries()) {
      const wait = levels[at]?.wait ?? 0
      if (wait <= longest) continue
      longest = wait
      found = part
    }
    if (found === undefined) return undefined
    const { amount, kind, limit } = found
    return { _tag: "Refusal", limit, kind, amount, wait: longest, quota: quotaOf(parts, levels) }
  }

  private judged(parts: ReadonlyArray<Part>, { granted, levels }: Taken): Grant | Refusal {
    if (granted) return this.grant(parts, levels)
    // A store that is far away may have counted on since.
    const soon = levels.map((level) => (level.wait > 0 ? level : { ...level, wait: 1 }))
    return this.short(parts, levels) ?? this.short(parts, soon) ?? this.grant(parts, levels)
  }

  private grant(parts: ReadonlyArray<Part>, levels: ReadonlyArray<Level>): Grant {
    let open = true
    const correct = (deltaOf: (part: Part) => number): void => {
      if (!open) return
      open = false
      const changed = parts.flatMap((part) => {
        const amount = deltaOf(part)
        return amount === 0 ? [] : [{ ...part, amount }]
      })
      if (changed.length === 0) return
      this.store.correct(changed, this.timers.now())
      // What has come back may be enough for whoever waits.
      if (this.lines.size > 0) for (const { limit } of changed) this.serve(this.lines.get(limit.id))
    }
    return {
      _tag: "Grant",
      quota: quotaOf(parts, levels),
      settle: (tokens) => correct(({ amount, kind }) => (kind === "tokens" ? tokens - amount : 0)),
      giveBack: () => correct(({ amount }) => -amount)
    }
  }

  /** Puts somebody in the line of a limit. */
  private join(waiter: Waiter, limit: Limit): void {
    const { owner } = waiter.claim
    const { queue } = limit
    if (queue === undefined || this.closed) return this.refuse(waiter, limit)
    const line = this.lines.get(limit.id) ?? this.begin(limit)
    if (line.queue.size >= queue.max) {
      // Whoever has the most waiting makes room for the others.
      const last = line.queue.lastOfMost(owner)
      if (last === undefined) return this.refuse(waiter, limit)
      this.giveUp(last)
    }
    waiter.line = line
    line.queue.push(owner, waiter)
    if (line.queue.first === waiter) this.serve(line)
  }

  private begin(limit: Limit): Line {
    const line: Line = { limit, queue: new FairQueue(), stopTimer: undefined, serving: false, again: false }
    this.lines.set(limit.id, line)
    return line
  }

  /** Serves whoever is first, as long as there is something for them, and sets a timer for the next. */
  private serve(line: Line | undefined): void {
    if (line === undefined) return
    line.again = true
    if (line.serving) return
    line.serving = true
    line.stopTimer?.()
    line.stopTimer = undefined
    while (line.again) {
      line.again = false
      const waiter = line.queue.first
      if (waiter === undefined) break
      const taken = this.store.take(waiter.parts, this.timers.now())
      if (Either.isLeft(taken)) {
        return this.fork(taken.left, (answer) => {
          line.serving = false
          if (this.heard(line, waiter, answer) || line.again) this.serve(line)
        })
      }
      if (this.heard(line, waiter, taken.right)) line.again = true
    }
    line.serving = false
    if (line.queue.size === 0 && this.lines.get(line.limit.id) === line) this.lines.delete(line.limit.id)
  }

  /** Is it somebody else's turn after this answer? */
  private heard(line: Line, waiter: Waiter, taken: Taken): boolean {
    const result = this.judged(waiter.parts, taken)
    if (waiter.line !== line) {
      // It has left meanwhile.
      if (result._tag === "Grant") result.giveBack()
      return true
    }
    if (result._tag === "Grant" || !Number.isFinite(result.wait)) {
      waiter.stopTimer?.()
      line.queue.shift()
      waiter.line = undefined
      waiter.done(result)
      return true
    }
    if (result.limit.id === line.limit.id) {
      line.stopTimer?.()
      line.stopTimer = this.timers.after(Math.ceil(result.wait), () => this.serve(line))
      return false
    }
    // Others shall not wait for a limit that does not hold them.
    this.out(waiter)
    this.join(waiter, result.limit)
    return true
  }

  /** Takes somebody out of its line; the next one is served. */
  private leave(waiter: Waiter): void {
    const { line } = waiter
    waiter.stopTimer?.()
    const next = line?.queue.first === waiter
    this.out(waiter)
    if (next) this.serve(line)
  }

  private giveUp(waiter: Waiter): void {
    const { line } = waiter
    if (line === undefined) return
    this.leave(waiter)
    this.refuse(waiter, line.limit)
  }

  private refuse(waiter: Waiter, limit: Limit): void {
    const { claim, parts } = waiter
    waiter.stopTimer?.()
    const levels = this.store.peek(parts, this.timers.now())
    waiter.done(
      this.behindOthers(claim, parts) ??
        this.short(parts, levels) ??
        refusalOf(limit, claim, kindOf(limit), 0, parts, levels)
    )
  }

  private out(waiter: Waiter): void {
    waiter.line?.queue.remove(waiter.claim.owner, waiter)
    waiter.line = undefined
  }
}

/** How long one who came now would wait in a line until all before it have what they want, and it too; and for what the longest. */
const behindIn = (
  { limit, queue }: Line,
  { owner, tokens }: Claim,
  parts: ReadonlyArray<Part>,
  levels: ReadonlyArray<Level>
): { readonly kind: Kind; readonly wait: number } => {
  let longest = { kind: kindOf(limit), wait: 0 }
  for (const [at, part] of parts.entries()) {
    if (part.limit.id !== limit.id) continue
    let wanted = part.kind === "requests" ? queue.ahead(owner) + 1 : tokens
    if (part.kind === "tokens") for (const { claim } of queue.before(owner)) wanted += claim.tokens
    const wait = ((wanted - (levels[at]?.remaining ?? 0)) * 60_000) / part.rate.perMinute
    if (wait > longest.wait) longest = { kind: part.kind, wait }
  }
  return longest
}

const kindOf = ({ requests }: Limit): Kind => (requests === undefined ? "tokens" : "requests")

/** Somebody has to wait for a limit, whatever there is of it. */
const refusalOf = (
  limit: Limit,
  { tokens }: Claim,
  kind: Kind,
  wait: number,
  parts: ReadonlyArray<Part>,
  levels: ReadonlyArray<Level>
): Refusal => ({
  _tag: "Refusal",
  limit,
  kind,
  amount: kind === "requests" ? 1 : tokens,
  wait,
  quota: quotaOf(parts, levels)
})

const nothing = (): void => {}
