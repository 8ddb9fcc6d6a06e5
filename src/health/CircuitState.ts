import type { Scope } from "./Blame.js"
import type { Circuit, CircuitBreaker, Forced } from "./CircuitBreaker.js"

/**
 * What others are told of a circuit: other replicas, and this one after a restart. Whole Unix ms, so that a database keeps
 * them as they are. Two parts that are told apart by their times: what an operator decreed, and what the circuit found by
 * itself. So a replica that has not heard of a decree yet cannot undo it by a failure that it saw.
 */
export interface CircuitState {
  readonly instance: string
  readonly scope: Scope
  /** The provider's own id; empty but for the scope `model`. */
  readonly model: string
  readonly circuit: Circuit
  readonly forced: Forced
  /** When an operator last decreed something, also that it judges by itself again; `undefined`: never. */
  readonly forcedAt: number | undefined
  readonly consecutiveFailures: number
  /** Openings in a row, without a close between them. */
  readonly openings: number
  /** Open: when the next call may be tried. */
  readonly retryAt: number | undefined
  /** When the circuit or its failures last changed. */
  readonly changedAt: number
}

/** Of a circuit of which nobody has told anything. */
export const asNew = ({
  instance,
  model,
  scope
}: Pick<CircuitState, "instance" | "model" | "scope">): CircuitState => ({
  instance,
  scope,
  model,
  circuit: "closed",
  forced: "auto",
  forcedAt: undefined,
  consecutiveFailures: 0,
  openings: 0,
  retryAt: undefined,
  changedAt: Number.NEGATIVE_INFINITY
})

/**
 * What is to be told after a change here, at `at` (Unix ms); `before` itself where that is nothing new. It is always later
 * than what was known before, also where another replica's clock is ahead. `decreed`: an operator changed it.
 */
export const next = (before: CircuitState, breaker: CircuitBreaker, at: number, decreed: boolean): CircuitState => {
  const now = Math.floor(at)
  const changedAt = Math.max(now, before.changedAt + 1)
  if (decreed) {
    const forcedAt = Math.max(now, (before.forcedAt ?? Number.NEGATIVE_INFINITY) + 1)
    return { ...asNew(before), forced: breaker.forced, forcedAt, changedAt }
  }
  // What it finds under a decree ends with the decree.
  if (breaker.forced !== "auto") return before
  const { circuit, consecutiveFailures, openings } = breaker
  const retryAt = circuit === "open" ? Math.ceil(breaker.retryAt) : undefined
  return before.circuit === circuit &&
    before.consecutiveFailures === consecutiveFailures &&
    before.openings === openings &&
    before.retryAt === retryAt
    ? before
    : { ...before, circuit, consecutiveFailures, openings, retryAt, changedAt }
}

/**
 * What holds of two tellings: of each of their parts the later one. It does not matter which of them was heard first, nor
 * how often. One of the two themselves where the other tells nothing that it does not.
 */
export const later = (before: CircuitState, other: CircuitState): CircuitState => {
  const decree = compare(decreeOf(other), decreeOf(before))
  const finding = compare(findingOf(other), findingOf(before))
  if (decree <= 0 && finding <= 0) return before
  if (decree >= 0 && finding >= 0) return other
  const { forced, forcedAt } = decree > 0 ? other : before
  return { ...(finding > 0 ? other : before), forced, forcedAt }
}

/** Does the later one find something else of the circuit, whatever was decreed? */
export const findsOtherwise = (before: CircuitState, after: CircuitState): boolean =>
  compare(findingOf(before), findingOf(after)) !== 0

/** Times first; what was found at the same one is told apart somehow, everywhere in the same way. */
const decreeOf = ({ forced, forcedAt }: CircuitState): ReadonlyArray<number> => [
  forcedAt ?? Number.NEGATIVE_INFINITY,
  { auto: 0, closed: 1, open: 2 }[forced]
]

const findingOf = (state: CircuitState): ReadonlyArray<number> => [
  state.changedAt,
  { closed: 0, half_open: 1, open: 2 }[state.circuit],
  state.retryAt ?? 0,
  state.openings,
  state.consecutiveFailures
]

const compare = (one: ReadonlyArray<number>, other: ReadonlyArray<number>): number => {
  for (const [at, value] of one.entries()) {
    const against = other[at] ?? 0
    if (value !== against) return value < against ? -1 : 1
  }
  return 0
}
