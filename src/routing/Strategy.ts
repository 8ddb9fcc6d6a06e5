import type { Strategy } from "../config/Settings.js"
import type { Money } from "../domain/Money.js"
import type { Candidate } from "./Candidate.js"

/** What is known of candidates at this moment. */
export interface Signals {
  /** Between 0 and 1, another one each time; `undefined`: nothing is left to chance, what is likeliest goes first. */
  readonly chance: (() => number) | undefined
  /** Whose turn it is; counts up. */
  readonly turn: () => number
  readonly weight: (candidate: Candidate) => number
  /** Calls under way at its instance. */
  readonly busy: (candidate: Candidate) => number
  /** How long its answers lately took to begin, in ms, peaks above all; `undefined`: nobody knows. */
  readonly latency: (candidate: Candidate) => number | undefined
  /** Tokens a second that its answers lately had; `undefined`: nobody knows. */
  readonly throughput: (candidate: Candidate) => number | undefined
  /** What this request would cost there; `undefined`: nobody knows. */
  readonly cost: (candidate: Candidate) => Money | undefined
}

/** How peers are put in order: by the operator's strategy, or as the caller wants them sorted. */
export type Order = Strategy | "price" | "latency" | "throughput"

/** Orders candidates that serve the same. A tie is broken by priority, and then by their places. */
export const order = (peers: ReadonlyArray<Candidate>, by: Order, signals: Signals): ReadonlyArray<Candidate> => {
  switch (by) {
    case "priority":
      return peers
    case "round-robin":
      return rotated(byPriority(peers), signals.turn())
    case "weighted":
      return weighted(byPriority(peers), signals)
    case "least-latency":
      return leastLatency(byPriority(peers), signals)
    case "cost-optimized":
    case "price":
      return ascending(byPriority(peers), (peer) => Number(signals.cost(peer) ?? Number.POSITIVE_INFINITY))
    case "least-busy":
      return ascending(byPriority(peers), signals.busy)
    case "latency":
      return ascending(byPriority(peers), (peer) => signals.latency(peer) ?? Number.POSITIVE_INFINITY)
    case "throughput":
      return ascending(byPriority(peers), (peer) => -(signals.throughput(peer) ?? 0))
  }
}

const byPriority = (peers: ReadonlyArray<Candidate>): ReadonlyArray<Candidate> =>
  ascending(peers, ({ instance }) => instance.priority)

/** Stable: who is equal stays in place. */
const ascending = (peers: ReadonlyArray<Candidate>, score: (peer: Candidate) => number): ReadonlyArray<Candidate> => {
  const scored = peers.map((peer) => ({ peer, score: score(peer) }))
  // Infinities are equal, and their difference is no number.
  return scored.toSorted((a, b) => (a.score < b.score ? -1 : a.score > b.score ? 1 : 0)).map(({ peer }) => peer)
}

const rotated = (peers: ReadonlyArray<Candidate>, turn: number): ReadonlyArray<Candidate> => {
  const start = turn % peers.length
  return [...peers.slice(start), ...peers.slice(0, start)]
}

/**
 * Who goes first is drawn by weight, and so is who follows among the rest. Without weight it is only ever the last.
 * @see https://doi.org/10.1016/j.ipl.2005.11.003 Efraimidis and Spirakis, weighted sampling in one pass
 */
const weighted = (peers: ReadonlyArray<Candidate>, { chance, weight }: Signals): ReadonlyArray<Candidate> =>
  ascending(peers, (peer) => {
    const share = weight(peer)
    if (share <= 0) return Number.POSITIVE_INFINITY
    return chance === undefined ? -share : -Math.log(1 - chance()) / share
  })

/**
 * The faster of two that are drawn, then the others from fast to slow. Whoever took always the fastest would send every
 * request there at once. Latency counts as often as calls are under way, so that a slow spell is felt before its calls end.
 * @see https://twitter.github.io/finagle/guide/Clients.html#p2c-peakewma
 */
const leastLatency = (peers: ReadonlyArray<Candidate>, signals: Signals): ReadonlyArray<Candidate> => {
  const { busy, chance, latency } = signals
  const load = (peer: Candidate): number => {
    const calls = busy(peer)
    const known = latency(peer)
    // Nobody knows a newcomer: one call finds out, and until it has, nobody follows.
    if (known === undefined) return calls === 0 ? 0 : unknownLatency + calls
    return known * (calls + 1)
  }
  const sorted = ascending(peers, load)
  if (chance === undefined || sorted.length < 3) return sorted
  const one = Math.floor(chance() * sorted.length)
  const other = (one + 1 + Math.floor(chance() * (sorted.length - 1))) % sorted.length
  const first = sorted[Math.min(one, other)]
  return first === undefined ? sorted : [first, ...sorted.filter((peer) => peer !== first)]
}

/** More than any answer takes to begin, in ms. */
const unknownLatency = 1e9
