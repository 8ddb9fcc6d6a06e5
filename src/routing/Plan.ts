import * as Either from "effect/Either"
import type { Snapshot } from "../catalog/Catalog.js"
import type { HedgeSettings, InstanceSettings } from "../config/Settings.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { ModelNotServed, RequestRejected } from "../domain/GatewayError.js"
import type { MidStream } from "../domain/MidStream.js"
import type * as PerMillion from "../ledger/PerMillion.js"
import { inabilities, nobodyCan, type Inability } from "./Ability.js"
import * as Ailing from "./Ailing.js"
import type { Candidate } from "./Candidate.js"
import * as Chain from "./Chain.js"
import * as Preferred from "./Preferred.js"

/** A candidate that is not asked, and why. */
export interface Excluded {
  readonly instance: string
  readonly model: string
  /** What it cannot or may not do for this request, or why it is better not asked now; `attempts`: its turn never comes. */
  readonly reason: Ailing.Reason | Inability["reason"] | "attempts"
  readonly detail: string
  /** It stood before the first candidate that is asked. */
  readonly ahead: boolean
}

/** What a request may do, decided once before the first byte goes out. A fallback never resets it. */
export interface Plan {
  /** The model as the caller named it. */
  readonly asked: string
  readonly candidates: ReadonlyArray<Candidate>
  readonly excluded: ReadonlyArray<Excluded>
  /** Calls to providers, over all candidates. */
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

/** Why a model of an instance is better not asked now; `undefined`: it may be. */
export type Ailment = (instance: InstanceSettings, model: string) => Ailing.Ailing | undefined

/** Puts candidates that may be asked into the order in which they are. */
export type Arrange = (candidates: ReadonlyArray<Candidate>) => ReadonlyArray<Candidate>

/** What the plan of one request needs to know besides what is configured. */
export interface Situation {
  readonly ailment: Ailment
  /** `undefined`: the order of the configuration is the order. */
  readonly arrange: Arrange | undefined
  /** `undefined` is unknown. Asked where the caller caps prices. */
  readonly prices: (candidate: Candidate) => PerMillion.Prices | undefined
}

/** Nothing is known but the configuration. */
export const unknown: Situation = { ailment: () => undefined, arrange: undefined, prices: () => undefined }

/** The plan of a request. */
export const make = (
  request: ChatRequest,
  snapshot: Snapshot,
  { ailment, arrange, prices }: Situation
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
  const unable = [...unwanted, ...inabilities(request, wanted, judged, snapshot.sampler)]
  if (unable.length === chain.right.length) return Either.left(nobodyCan(request, unable))
  const selected = select(chain.right, unable, ailment, maxAttempts, arrange)
  return Either.right({
    asked: request.model,
    ...selected,
    maxAttempts,
    deadline,
    patience: Math.min(longestPatience, deadline),
    hedge,
    midStream: request.midStream ?? snapshot.midStream(request.model)
  })
}

/** A caller that waits for longer would have given up, or asked elsewhere; in ms. */
const longestPatience = 5_000

const none: ReadonlyArray<Excluded> = []

/** Candidates that are not well are left out while somebody else is; what the cap of attempts cannot reach, too. */
const select = (
  chain: ReadonlyArray<Candidate>,
  unable: ReadonlyArray<Inability>,
  ailment: Ailment,
  maxAttempts: number,
  arrange: Arrange | undefined
): Pick<Plan, "candidates" | "excluded" | "lastResort"> => {
  const ailments = chain.map(({ instance, model }) => ailment(instance, model))
  if (unable.length === 0 && chain.length <= maxAttempts && ailments.every((ailing) => ailing === undefined)) {
    return { candidates: arrange === undefined ? chain : arrange(chain), excluded: none, lastResort: undefined }
  }
  const inability = (candidate: Candidate): Inability | undefined => unable.find((each) => each.candidate === candidate)
  const able = chain.flatMap((candidate, at) =>
    inability(candidate) === undefined ? [{ candidate, ailing: ailments[at] }] : []
  )
  const well = able.some(({ ailing }) => ailing === undefined)
  // A soft reason alone keeps nobody from being asked when nobody else is there.
  const circuits = able.filter(({ ailing }) => ailing !== undefined && !Ailing.isSoft(ailing))
  const last = !well && circuits.length === able.length ? nearest(circuits) : undefined
  const reasonOf = (candidate: Candidate, at: number): Inability | Ailing.Ailing | undefined =>
    inability(candidate) ??
    (last === undefined ? avoided(ailments[at], well) : last.candidate === candidate ? undefined : ailments[at])
  const reasons = chain.map(reasonOf)
  const asked = chain.filter((_, at) => reasons[at] === undefined)
  const arranged = arrange === undefined ? asked : arrange(asked)
  const candidates = arranged.slice(0, maxAttempts)
  const [first] = candidates
  const start = first === undefined ? chain.length : chain.indexOf(first)
  const excluded = chain.flatMap((candidate, at): ReadonlyArray<Excluded> => {
    if (candidates.includes(candidate)) return []
    const why = reasons[at]
    return [
      {
        instance: candidate.instance.id,
        model: candidate.model,
        reason: why?.reason ?? "attempts",
        detail: why?.detail ?? `a request may cost ${maxAttempts} calls`,
        // Where peers change places, each of them stands as far ahead as the others.
        ahead: at < start && !(arrange !== undefined && areAlike(candidate, first))
      }
    ]
  })
  return { candidates, excluded, lastResort: last?.ailing?.until }
}

const areAlike = (one: Candidate, other: Candidate | undefined): boolean =>
  one.peer && other?.peer === true && one.stage === other.stage

/** While somebody is well, whoever is not; while none is, those whose circuit says so, and not those of a soft reason. */
const avoided = (ailing: Ailing.Ailing | undefined, well: boolean): Ailing.Ailing | undefined =>
  ailing !== undefined && !well && Ailing.isSoft(ailing) ? undefined : ailing

const nearest = <A extends { readonly ailing: Ailing.Ailing | undefined }>(ill: ReadonlyArray<A>): A | undefined =>
  ill.toSorted((a, b) => (a.ailing?.until ?? 0) - (b.ailing?.until ?? 0))[0]
