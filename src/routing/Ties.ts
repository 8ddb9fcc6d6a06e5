import type { Target } from "../catalog/Target.js"
import type { Candidate } from "./Candidate.js"

/** What is known of a target that nobody put into a place. */
export interface Standing {
  /** Many of its instance's latest calls failed. */
  readonly degraded: boolean
  /** How long its answers usually take to begin, in ms; `undefined`: nobody knows. */
  readonly latency: number | undefined
  /** USD per million tokens, in any unit; `undefined`: nobody knows. */
  readonly price: bigint | undefined
}

/** How a target stands at a time (Unix ms), as who streams sees it or as who waits for the whole answer. */
export type StandingOf = (target: Target, streamed: boolean, now: number) => Standing

/**
 * The order of those that serve a model because a catalogue or a rule of names says so, and whose instances have the same
 * priority: health, then latency, then price, then the order of the instances. It moves rarely, as a prompt is in the cache of
 * whoever had it before: one goes before another only where it is twice as fast, or about as fast and cheaper. Nobody is asked
 * only to be measured: where a latency is not known, the price decides. It is looked at once a second.
 */
export class Ties {
  private readonly streams = new WeakMap<ReadonlyArray<Target>, Order>()
  private readonly wholes = new WeakMap<ReadonlyArray<Target>, Order>()

  constructor(private readonly standingOf: StandingOf) {}

  /** The candidates of these targets, in order. `preview`: only looked at. */
  arrange(
    candidates: ReadonlyArray<Candidate>,
    targets: ReadonlyArray<Target>,
    { now, preview, streamed }: { readonly now: number; readonly preview: boolean; readonly streamed: boolean }
  ): ReadonlyArray<Candidate> {
    const orders = streamed ? this.streams : this.wholes
    const known = orders.get(targets)
    const isNew = known === undefined || now - known.at >= lookedAtEvery
    const order = isNew ? this.look(known?.targets ?? targets, streamed, now) : known
    if (isNew && !preview) orders.set(targets, order)
    if (order.given === candidates) return order.arranged
    const arranged = order.targets.flatMap((target) => candidates.find((candidate) => isOf(candidate, target)) ?? [])
    if (!preview) {
      order.given = candidates
      order.arranged = arranged
    }
    return arranged
  }

  private look(targets: ReadonlyArray<Target>, streamed: boolean, now: number): Order {
    const standings = new Map(targets.map((target) => [target, this.standingOf(target, streamed, now)]))
    const ordered = [...targets]
    for (const places of groupsOf(targets)) {
      const group = places.flatMap((place) => targets[place] ?? [])
      for (const [turn, target] of sorted(group, standings).entries()) ordered[places[turn] ?? 0] = target
    }
    return { at: now, targets: ordered, given: undefined, arranged: [] }
  }
}

/** Is there anybody whose place nobody has said? The catalogue gives the same targets for the same model each time. */
export const among = (targets: ReadonlyArray<Target>): boolean => {
  if (targets.length < 2) return false
  const known = remembered.get(targets)
  if (known !== undefined) return known
  const found = groupsOf(targets).length > 0
  remembered.set(targets, found)
  return found
}

const remembered = new WeakMap<ReadonlyArray<Target>, boolean>()

interface Order {
  readonly at: number
  readonly targets: ReadonlyArray<Target>
  /** The latest candidates that were arranged so, and how. */
  given: ReadonlyArray<Candidate> | undefined
  arranged: ReadonlyArray<Candidate>
}

/** Places of those that are tied with each other. */
const groupsOf = (targets: ReadonlyArray<Target>): ReadonlyArray<ReadonlyArray<number>> => {
  const groups = new Map<number, Array<number>>()
  for (const [place, { instance, peer, placed }] of targets.entries()) {
    if (!peer || placed) continue
    const group = groups.get(instance.priority)
    if (group === undefined) groups.set(instance.priority, [place])
    else group.push(place)
  }
  return [...groups.values()].filter((places) => places.length > 1)
}

/** Each goes ahead as long as it is clearly better than who stands before it. */
const sorted = (group: ReadonlyArray<Target>, standings: ReadonlyMap<Target, Standing>): ReadonlyArray<Target> => {
  const found: Array<Target> = []
  for (const target of group) {
    let place = found.length
    while (place > 0 && overtakes(standings.get(target), standings.get(found[place - 1] ?? target))) place--
    found.splice(place, 0, target)
  }
  return found
}

const overtakes = (one: Standing | undefined, other: Standing | undefined): boolean => {
  if (one === undefined || other === undefined) return false
  if (one.degraded !== other.degraded) return other.degraded
  if (one.latency !== undefined && other.latency !== undefined) {
    if (one.latency * muchFaster <= other.latency) return true
    // Less than what overtakes: or who is cheaper and who is faster would take turns.
    if (one.latency > other.latency * aboutAsFast) return false
  }
  return one.price !== undefined && (other.price === undefined || one.price < other.price)
}

const muchFaster = 2
const aboutAsFast = 1.5

/** In ms. */
const lookedAtEvery = 1_000

const isOf = (candidate: Candidate, { instance, model }: Target): boolean =>
  candidate.instance === instance && candidate.model === model
