import type { BackoffSettings, CircuitSettings } from "../config/Settings.js"

export type Circuit = "closed" | "open" | "half_open"

/** What an operator may decree; `auto` is the breaker's own judgement. */
export type Forced = "open" | "closed" | "auto"

/** One circuit breaker. Immutable: every event makes the next one. Times are Unix ms. */
export interface CircuitBreaker {
  readonly circuit: Circuit
  /** Counts changes of the circuit. What was admitted in an earlier one is not heard any more. */
  readonly generation: number
  readonly forced: Forced
  readonly consecutiveFailures: number
  /** When the latest of those were; no more of them than the threshold. */
  readonly failedAt: ReadonlyArray<number>
  /** Openings in a row, without a close between them. */
  readonly openings: number
  /** Open: when the next call may be tried. */
  readonly retryAt: number
  /** Half-open: calls that are let through and not back yet, and successes in a row. */
  readonly trials: number
  readonly successes: number
  /** Calls of the window in slices of it, the oldest first. */
  readonly slices: ReadonlyArray<Slice>
}

/** What is told of a circuit from elsewhere. Times are Unix ms. */
export interface Told {
  readonly circuit: Circuit
  readonly forced: Forced
  readonly consecutiveFailures: number
  readonly openings: number
  readonly retryAt: number | undefined
  readonly changedAt: number
}

interface Slice {
  readonly start: number
  readonly calls: number
  readonly failures: number
}

export const closed: CircuitBreaker = {
  circuit: "closed",
  generation: 0,
  forced: "auto",
  consecutiveFailures: 0,
  failedAt: [],
  openings: 0,
  retryAt: 0,
  trials: 0,
  successes: 0,
  slices: []
}

/** Would a call be let through now? It changes nothing, so a plan may ask. */
export const admits = (breaker: CircuitBreaker, settings: CircuitSettings, now: number): boolean => {
  if (breaker.forced !== "auto") return breaker.forced === "closed"
  switch (breaker.circuit) {
    case "closed":
      return true
    case "open":
      return now >= breaker.retryAt
    case "half_open":
      return breaker.trials < settings.halfOpenMax
  }
}

/** A call starts, which `admits` let through; an open circuit becomes half-open by it. */
export const admit = (breaker: CircuitBreaker, now: number): CircuitBreaker => {
  if (breaker.forced !== "auto" || breaker.circuit === "closed") return breaker
  if (breaker.circuit === "half_open") return { ...breaker, trials: breaker.trials + 1 }
  if (now < breaker.retryAt) return breaker
  return { ...breaker, circuit: "half_open", generation: breaker.generation + 1, trials: 1, successes: 0 }
}

/**
 * A call that was admitted in `generation` went well. `placed`: it still holds its place among the trials. An open circuit
 * hears of a call that was made in spite of it, which is as good as a trial; a failure of one tells it nothing new.
 */
export const succeed = (
  breaker: CircuitBreaker,
  settings: CircuitSettings,
  now: number,
  generation: number,
  placed = true
): CircuitBreaker => {
  if (generation !== breaker.generation) return breaker
  if (breaker.circuit === "closed") {
    const slices = counted(breaker.slices, settings, now, false)
    return breaker.consecutiveFailures === 0 && slices === breaker.slices
      ? breaker
      : { ...breaker, consecutiveFailures: 0, failedAt: [], slices }
  }
  const successes = breaker.successes + 1
  if (successes >= settings.successThreshold) {
    return { ...closed, generation: breaker.generation + 1, forced: breaker.forced }
  }
  return breaker.circuit === "open"
    ? { ...breaker, circuit: "half_open", generation: breaker.generation + 1, trials: 0, successes }
    : { ...breaker, successes, trials: placed ? Math.max(0, breaker.trials - 1) : breaker.trials }
}

/** A call that was admitted in `generation` failed through the fault of this scope. `chance` is between 0 and 1. */
export const fail = (
  breaker: CircuitBreaker,
  settings: CircuitSettings,
  now: number,
  generation: number,
  chance: number
): CircuitBreaker => {
  if (generation !== breaker.generation || breaker.circuit === "open") return breaker
  if (breaker.circuit === "half_open") return opened(failedOnce(breaker), settings, now, chance)
  const recent = [...breaker.failedAt, now].filter((at) => now - at < settings.window)
  const failing: CircuitBreaker = {
    ...breaker,
    consecutiveFailures: breaker.consecutiveFailures + 1,
    failedAt: recent.slice(-settings.failureThreshold),
    slices: counted(breaker.slices, settings, now, true)
  }
  return recent.length >= settings.failureThreshold || fails(failing.slices, settings)
    ? opened(failing, settings, now, chance)
    : failing
}

/** A call that was admitted in `generation` ended without telling anything: a hang-up, a caller's mistake. */
export const release = (breaker: CircuitBreaker, generation: number): CircuitBreaker =>
  generation === breaker.generation && breaker.circuit === "half_open"
    ? { ...breaker, trials: Math.max(0, breaker.trials - 1) }
    : breaker

/** Something proves that it cannot serve before `until`: a refused key, a spent quota. */
export const trip = (
  breaker: CircuitBreaker,
  settings: CircuitSettings,
  now: number,
  chance: number,
  until?: number
): CircuitBreaker => {
  if (until === undefined) {
    return breaker.circuit === "open" ? breaker : opened(failedOnce(breaker), settings, now, chance)
  }
  // The later one of two times holds.
  if (breaker.circuit === "open") return { ...breaker, retryAt: Math.max(breaker.retryAt, until) }
  return { ...opened(failedOnce(breaker), settings, now, chance), retryAt: until }
}

/** An operator's decree. The circuit begins anew, closed. */
export const force = (breaker: CircuitBreaker, forced: Forced): CircuitBreaker => ({
  ...closed,
  generation: breaker.generation + 1,
  forced
})

/**
 * What another replica, or an earlier run, knows of the circuit and this one did not. Calls that are under way do not undo
 * it. Failures are believed as long as the window in which they were.
 */
export const adopt = (
  breaker: CircuitBreaker,
  settings: CircuitSettings,
  now: number,
  { changedAt, circuit, consecutiveFailures, forced, openings, retryAt }: Told
): CircuitBreaker => {
  if (forced !== "auto") return breaker.forced === forced ? breaker : force(breaker, forced)
  const anew = { ...closed, generation: breaker.generation + 1, consecutiveFailures, openings }
  switch (circuit) {
    case "open":
      return { ...anew, circuit, retryAt: retryAt ?? now }
    // Its trials are elsewhere: here it is tried as if its time had come, unless it is already.
    case "half_open":
      return breaker.forced === "auto" && breaker.circuit === "half_open"
        ? breaker
        : { ...anew, circuit: "open", retryAt: now }
    case "closed": {
      const recent = now - changedAt < settings.window ? consecutiveFailures : 0
      const failures = {
        consecutiveFailures: recent,
        failedAt: Array.from({ length: Math.min(recent, settings.failureThreshold) }, () => changedAt)
      }
      // It was closed here too: calls under way are as good to know as before.
      return breaker.circuit === "closed" && breaker.forced === "auto"
        ? { ...breaker, ...failures }
        : { ...anew, openings: 0, ...failures }
    }
  }
}

/** What the circuit is, decrees included. */
export const circuitOf = (breaker: CircuitBreaker): Circuit =>
  breaker.forced === "auto" ? breaker.circuit : breaker.forced

/** How long the nth opening in a row lasts, in ms; `chance` 0.5 is without jitter. */
export const openFor = (backoff: BackoffSettings, nth: number, chance: number): number => {
  const { initial, jitter, kind, max, multiplier } = backoff
  const grown =
    kind === "exponential"
      ? initial * multiplier ** Math.min(nth - 1, 64)
      : kind === "linear"
        ? initial * nth
        : initial * fibonacci(Math.min(nth, 64))
  return Math.round(Math.min(max, grown) * (1 + jitter * (2 * chance - 1)))
}

const failedOnce = (breaker: CircuitBreaker): CircuitBreaker => ({
  ...breaker,
  consecutiveFailures: breaker.consecutiveFailures + 1
})

const opened = (breaker: CircuitBreaker, settings: CircuitSettings, now: number, chance: number): CircuitBreaker => {
  const openings = breaker.openings + 1
  return {
    ...breaker,
    circuit: "open",
    generation: breaker.generation + 1,
    openings,
    retryAt: now + openFor(settings.backoff, openings, chance),
    trials: 0,
    successes: 0,
    slices: []
  }
}

const fibonacci = (nth: number): number => {
  let [before, current] = [0, 1]
  for (let at = 1; at < nth; at++) [before, current] = [current, before + current]
  return current
}

/** The window slides by a tenth of itself. */
const slicesOf = 10

const counted = (
  slices: ReadonlyArray<Slice>,
  { failureRatio, window }: CircuitSettings,
  now: number,
  failed: boolean
): ReadonlyArray<Slice> => {
  if (failureRatio === undefined) return slices
  const width = window / slicesOf
  const start = Math.floor(now / width) * width
  const last = slices.at(-1)
  const failures = failed ? 1 : 0
  const kept = slices.filter((slice) => slice.start > now - window && slice.start !== start)
  const before = last?.start === start ? last : { calls: 0, failures: 0 }
  return [...kept, { start, calls: before.calls + 1, failures: before.failures + failures }]
}

const fails = (slices: ReadonlyArray<Slice>, { failureRatio }: CircuitSettings): boolean => {
  if (failureRatio === undefined) return false
  const calls = slices.reduce((sum, slice) => sum + slice.calls, 0)
  const failures = slices.reduce((sum, slice) => sum + slice.failures, 0)
  return calls >= failureRatio.minimumCalls && failures / calls >= failureRatio.threshold
}
