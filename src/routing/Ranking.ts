import type { Snapshot } from "../catalog/Catalog.js"
import type { InstanceSettings } from "../config/Settings.js"
import type { Caller } from "../domain/Caller.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { Money } from "../domain/Money.js"
import type { Pace } from "../health/Pace.js"
import * as PerMillion from "../ledger/PerMillion.js"
import type { Pricing } from "../ledger/Pricing.js"
import * as RequestNeeds from "../protocol/RequestNeeds.js"
import * as RequestSize from "../protocol/RequestSize.js"
import type { Candidate } from "./Candidate.js"
import type { Arrange } from "./Selection.js"
import * as Preferred from "./Preferred.js"
import type { Sessions } from "./Sessions.js"
import * as Strategy from "./Strategy.js"
import * as Ties from "./Ties.js"

/** What is known of candidates besides their health. */
export interface Knowledge {
  readonly pricing: Pricing["Type"]
  readonly pace: (candidate: Pick<Candidate, "instance" | "model">, streamed: boolean) => Pace | undefined
  /** Did many of its latest calls fail? */
  readonly degraded: (instance: InstanceSettings, now: number) => boolean
  readonly busy: (candidate: Candidate) => number
  /** Between 0 and 1, another one each time. */
  readonly chance: () => number
  readonly sessions: Sessions
}

/** A request that is to be served now. */
export interface Asked {
  readonly request: ChatRequest
  readonly caller: Caller
  readonly snapshot: Snapshot
  /** Unix ms. */
  readonly now: number
  /** Only looked at: nobody's turn is over by it, and nothing is left to chance. */
  readonly preview: boolean
}

/** Who goes first among candidates that are well: the caller's wishes, its session, then the operator's strategy. */
export class Ranking {
  /** How often each model was asked. */
  private readonly turns = new Map<string, number>()

  private readonly ties = new Ties.Ties((target, streamed, now) => {
    const prices = this.prices(target, now)
    return {
      degraded: this.known.degraded(target.instance, now),
      latency: this.known.pace(target, streamed)?.usual(now),
      // Most requests have more input than output.
      price: prices === undefined ? undefined : prices.prompt * 3n + prices.completion
    }
  })

  constructor(private readonly known: Knowledge) {}

  /** `undefined`: the configured order is the order. */
  arrangeFor(asked: Asked): Arrange | undefined {
    const { request, snapshot } = asked
    const { strategy } = snapshot.settings.routing
    const { preferences } = request
    const by = preferences?.sort ?? strategy
    // Who asks for an order gets it, whatever its session is used to.
    const session = preferences?.sort === undefined ? this.sessionOf(asked) : undefined
    const bound = session === undefined ? undefined : this.known.sessions.of(session)
    const isNamed = preferences !== undefined && preferences.order.length > 0
    const isTied = by === "priority" && hasTies(asked)
    if (by === "priority" && bound === undefined && !isNamed && !isTied) return undefined
    return (candidates) => {
      // Who is chosen otherwise takes nobody's turn.
      const chosen = isNamed || (bound !== undefined && candidates.some((candidate) => isSame(candidate, bound)))
      const signals = this.signals(asked, asked.preview || chosen)
      const ordered = isTied
        ? this.untied(candidates, asked)
        : withPeers(candidates, (peers) => Strategy.order(peers, by, signals))
      const kept = bound === undefined ? ordered : withPeers(ordered, (peers) => first(peers, bound))
      return isNamed ? Preferred.named(kept, preferences.order) : kept
    }
  }

  /** Each model's own candidates, in the order of their ties. */
  private untied(candidates: ReadonlyArray<Candidate>, { now, preview, request, snapshot }: Asked) {
    const how = { now, preview, streamed: request.stream }
    if (request.models.length === 0) return this.ties.arrange(candidates, snapshot.resolve(request.model), how)
    return [request.model, ...request.models].flatMap((model, stage) =>
      this.ties.arrange(
        candidates.filter((candidate) => candidate.stage === stage),
        snapshot.resolve(model),
        how
      )
    )
  }

  prices({ instance, model }: Pick<Candidate, "instance" | "model">, now: number): PerMillion.Prices | undefined {
    return PerMillion.of(this.known.pricing, instance, model, now)
  }

  /** A candidate served a request: its session stays with it. */
  served(asked: Asked, candidate: Candidate): void {
    const { sticky } = asked.snapshot.settings.routing
    const session = this.sessionOf(asked)
    if (sticky !== undefined && session !== undefined && candidate.peer) {
      this.known.sessions.remember(session, candidate, sticky)
    }
  }

  private sessionOf({ caller, request, snapshot }: Asked): string | undefined {
    const { sticky } = snapshot.settings.routing
    return sticky === undefined ? undefined : this.known.sessions.nameOf(request, caller, sticky)
  }

  private signals({ now, preview, request, snapshot }: Asked, peeks: boolean): Strategy.Signals {
    const { weights } = snapshot.settings.routing
    const { busy, chance, pace } = this.known
    // One turn a request, however many models it names.
    let turn: number | undefined
    let input: number | undefined
    return {
      chance: preview ? undefined : chance,
      turn: () => (turn ??= this.turn(request.model, peeks)),
      weight: ({ instance }) => weights[instance.id] ?? instance.weight,
      busy,
      latency: (candidate) => pace(candidate, request.stream)?.latency(now),
      throughput: (candidate) => pace(candidate, request.stream)?.throughput,
      cost: (candidate) => {
        input ??= RequestSize.likelyTokens(request)
        return this.costOf(candidate, { input, output: outputOf(request, candidate) }, now)
      }
    }
  }

  private costOf(
    { instance, model }: Candidate,
    tokens: { readonly input: number; readonly output: number },
    now: number
  ): Money | undefined {
    return this.known.pricing.cost(instance, [model], { ...tokens, cacheRead: 0, cacheWrite: 0, reasoning: 0 }, now)
  }

  private turn(model: string, peeks: boolean): number {
    const turn = this.turns.get(model) ?? 0
    // Names of models come from callers; a turn that is forgotten begins anew.
    if (this.turns.size > mostTurns) this.turns.clear()
    if (!peeks) this.turns.set(model, turn + 1)
    return turn
  }
}

/** A chain that the request brings itself is an order. */
const hasTies = ({ request, snapshot }: Asked): boolean =>
  request.fallback === undefined &&
  (Ties.among(snapshot.resolve(request.model)) || request.models.some((model) => Ties.among(snapshot.resolve(model))))

/** Peers change places with each other only: a fallback stays behind them. */
const withPeers = (
  candidates: ReadonlyArray<Candidate>,
  arrange: (peers: ReadonlyArray<Candidate>) => ReadonlyArray<Candidate>
): ReadonlyArray<Candidate> => {
  const [head] = candidates
  if (head === undefined || candidates.length < 2) return candidates
  // Mostly all are peers, and there is nobody to work around.
  if (candidates.every(({ peer, stage }) => peer && stage === head.stage)) return arrange(candidates)
  const placed = [...candidates]
  for (const stage of new Set(candidates.map((candidate) => candidate.stage))) {
    const places = candidates.flatMap((candidate, at) => (candidate.peer && candidate.stage === stage ? [at] : []))
    if (places.length < 2) continue
    const peers = places.flatMap((at) => candidates[at] ?? [])
    for (const [turn, peer] of arrange(peers).entries()) placed[places[turn] ?? 0] = peer
  }
  return placed
}

const first = (
  peers: ReadonlyArray<Candidate>,
  served: Pick<Candidate, "instance" | "model">
): ReadonlyArray<Candidate> => {
  const bound = peers.find((peer) => isSame(peer, served))
  return bound === undefined ? peers : [bound, ...peers.filter((peer) => peer !== bound)]
}

const isSame = (one: Candidate, other: Pick<Candidate, "instance" | "model">): boolean =>
  one.instance.id === other.instance.id && one.model === other.model

/** What an answer may cost is guessed where nobody sets a cap. */
const outputOf = (request: ChatRequest, { maxTokens }: Candidate): number =>
  Math.max(0, Math.ceil(Math.min(maxTokens ?? RequestNeeds.maxTokens(request) ?? usualOutput, usualOutput)))

/** Most answers stay far below their caps. */
const usualOutput = 500

const mostTurns = 10_000
