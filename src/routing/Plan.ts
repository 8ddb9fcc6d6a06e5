import * as Either from "effect/Either"
import type { Snapshot } from "../catalog/Catalog.js"
import type { HedgeSettings } from "../config/Settings.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { ModelNotServed, RequestRejected } from "../domain/GatewayError.js"
import type { MidStream } from "../domain/MidStream.js"
import type * as PerMillion from "../ledger/PerMillion.js"
import { inabilities, nobodyCan } from "./Ability.js"
import type { Candidate } from "./Candidate.js"
import * as Chain from "./Chain.js"
import * as Preferred from "./Preferred.js"
import * as Selection from "./Selection.js"

/** What a request may do, decided once before the first byte goes out. A fallback never resets it. */
export interface Plan {
  /** The model as the caller named it. */
  readonly asked: string
  readonly candidates: ReadonlyArray<Candidate>
  /** Whoever is better not asked now: only when all of those have failed, and it may be asked or soon may. */
  readonly reserve: ReadonlyArray<Candidate>
  readonly excluded: ReadonlyArray<Selection.Excluded>
  /** Calls to providers, over all of them. */
  readonly maxAttempts: number
  /** In ms from the start. */
  readonly deadline: number
  /** Its last step, where nobody may be asked at once: so long it waits for the first who may, in ms. */
  readonly patience: number
  readonly hedge: HedgeSettings
  /** What becomes of the stream when it breaks after its first output. */
  readonly midStream: MidStream
  /** Nobody is well: the candidate is the one that is nearest to its recovery, at this time (Unix ms). */
  readonly lastResort: number | undefined
}

/** What the plan of one request needs to know besides what is configured. */
export interface Situation {
  /** Unix ms. */
  readonly now: number
  readonly ailment: Selection.AilmentOf
  /** `undefined`: the order of the configuration is the order. */
  readonly arrange: Selection.Arrange | undefined
  /** `undefined` is unknown. Asked where the caller caps prices. */
  readonly prices: (candidate: Candidate) => PerMillion.Prices | undefined
}

/** Nothing is known but the configuration. */
export const unknown: Situation = { now: 0, ailment: () => undefined, arrange: undefined, prices: () => undefined }

/** The plan of a request. */
export const make = (
  request: ChatRequest,
  snapshot: Snapshot,
  { ailment, arrange, now, prices }: Situation
): Either.Either<Plan, RequestRejected | ModelNotServed> => {
  const chain = Chain.of(request, snapshot)
  if (Either.isLeft(chain)) return Either.left(chain.left)
  const { deadline, hedge, maxAttempts } = snapshot.settings.routing
  const unwanted = Preferred.unwanted(request, chain.right, snapshot, prices)
  const wanted =
    unwanted.length === 0
      ? chain.right
      : chain.right.filter((each) => unwanted.every(({ candidate }) => candidate !== each))
  // Where another order follows, nobody knows yet who stands behind the last that may be asked.
  const judged = arrange === undefined ? maxAttempts : wanted.length
  const unfit = inabilities(request, wanted, judged, snapshot.sampler)
  const unable = unwanted.length === 0 ? unfit : [...unwanted, ...unfit]
  if (unable.length === chain.right.length) return Either.left(nobodyCan(request, unable))
  const patience = Math.min(longestPatience, deadline)
  const selected = Selection.of(chain.right, unable, {
    ailment,
    arrange,
    now,
    patience,
    maxAttempts,
    alone: request.preferences?.allowFallbacks === false && request.preferences.order.length === 0
  })
  let calls = 0
  for (const { maxCalls } of selected.candidates) calls += maxCalls
  for (const { maxCalls } of selected.reserve) calls += maxCalls
  return Either.right({
    asked: request.model,
    ...selected,
    maxAttempts: Math.min(maxAttempts, calls),
    deadline,
    patience,
    hedge,
    midStream: request.midStream ?? snapshot.midStream(request.model)
  })
}

/** A caller that waits for longer would have given up, or asked elsewhere; in ms. */
const longestPatience = 5_000
