import * as Either from "effect/Either"
import type { Snapshot } from "../catalog/Catalog.js"
import { offers } from "../catalog/ModelName.js"
import type { Target } from "../catalog/Target.js"
import type { InstanceSettings } from "../config/Settings.js"
import type { ChatRequest, FallbackEntry } from "../domain/ChatRequest.js"
import { ModelNotServed, RequestRejected } from "../domain/GatewayError.js"
import { vendors } from "../provider/Vendor.js"
import { inabilities, nobodyCan, type Inability } from "./Ability.js"
import * as Ailing from "./Ailing.js"
import type { Candidate } from "./Candidate.js"

/** A candidate that is not asked, and why. */
export interface Excluded {
  readonly instance: string
  readonly model: string
  /** `dialect`: it does not offer this kind of request. `lossy`: it would not be told all, and the request demands that. */
  readonly reason: Ailing.Reason | "attempts" | "dialect" | "lossy"
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
  /** Nobody is well: the candidate is the one that is nearest to its recovery, at this time (Unix ms). */
  readonly lastResort: number | undefined
}

/** Why a model of an instance is better not asked now; `undefined`: it may be. */
export type Ailment = (instance: InstanceSettings, model: string) => Ailing.Ailing | undefined

/** The plan of a request. */
export const make = (
  request: ChatRequest,
  snapshot: Snapshot,
  ailment: Ailment
): Either.Either<Plan, RequestRejected | ModelNotServed> => {
  const chain = chainOf(request, snapshot)
  if (Either.isLeft(chain)) return Either.left(chain.left)
  const { maxAttempts, deadline } = snapshot.settings.routing
  const unable = inabilities(request, chain.right, maxAttempts)
  if (unable.length === chain.right.length) return Either.left(nobodyCan(request, unable))
  const selected = select(chain.right, unable, ailment, maxAttempts)
  return Either.right({ asked: request.model, ...selected, maxAttempts, deadline })
}

const chainOf = (
  request: ChatRequest,
  snapshot: Snapshot
): Either.Either<ReadonlyArray<Candidate>, RequestRejected | ModelNotServed> => {
  const { fallback } = request
  const own = snapshot.resolve(request.model)
  const targets = request.models.length === 0 ? own : unique([request.model, ...request.models], snapshot)
  const [first] = targets
  if (first === undefined) return Either.left(new ModelNotServed({ model: request.model }))
  if (fallback === undefined) return Either.right(ofTargets(targets))
  const calls = fallback.enabled ? fallback.maxRetriesPerProvider : undefined
  const head = { ...ofTarget(first), maxCalls: callsTo(first.instance, calls) }
  if (!fallback.enabled) return Either.right([head])
  const chain: Array<Candidate> = [head]
  for (const [index, entry] of fallback.providers.entries()) {
    const step = ofEntry(entry, `fallback.providers[${index}]`, snapshot, calls)
    if (Either.isLeft(step)) return Either.left(step.left)
    chain.push(step.right)
  }
  return Either.right(chain)
}

const ofTarget = (target: Target): Candidate => ({
  instance: target.instance,
  model: target.model,
  catch: target.catch,
  baseUrl: undefined,
  maxTokens: undefined,
  temperature: undefined,
  maxCalls: target.instance.retry.maxAttempts
})

/** The catalogue gives the same targets for the same model each time; so their candidates are made once. */
const ofTargets = (targets: ReadonlyArray<Target>): ReadonlyArray<Candidate> => {
  const known = remembered.get(targets)
  if (known !== undefined) return known
  const made = targets.map(ofTarget)
  remembered.set(targets, made)
  return made
}

const remembered = new WeakMap<ReadonlyArray<Target>, ReadonlyArray<Candidate>>()

const callsTo = (instance: InstanceSettings, retries: number | undefined): number =>
  retries === undefined ? instance.retry.maxAttempts : retries + 1

/** The chains of several models behind one another, each target once. */
const unique = (models: ReadonlyArray<string>, snapshot: Snapshot): ReadonlyArray<Target> => {
  const targets = models.flatMap((model) => snapshot.resolve(model))
  return targets.filter(
    (target, at) =>
      targets.findIndex((other) => other.instance === target.instance && other.model === target.model) === at
  )
}

const ofEntry = (
  entry: FallbackEntry,
  path: string,
  snapshot: Snapshot,
  calls: number | undefined
): Either.Either<Candidate, RequestRejected> => {
  const instance = snapshot.find(entry.provider)
  if (instance === undefined) {
    const known = snapshot.instances.map(({ id }) => id).join(", ")
    const message = `'${path}.provider' names no instance and no vendor that is configured (there are: ${known})`
    return Either.left(new RequestRejected({ message, param: `${path}.provider` }))
  }
  if (!offers(instance, entry.modelName)) {
    const message = `'${path}.model_name' is none of the models that the operator lists for '${instance.id}'`
    return Either.left(new RequestRejected({ message, param: `${path}.model_name` }))
  }
  if (entry.baseUrl !== undefined && !isAllowed(entry.baseUrl, instance)) {
    const message = `'${path}.base_url' is not an address that the operator allows for '${instance.id}'`
    return Either.left(new RequestRejected({ message, param: `${path}.base_url` }))
  }
  return Either.right({
    instance,
    model: entry.modelName,
    catch: entry.catchErrors,
    baseUrl: entry.baseUrl,
    maxTokens: entry.maxTokens,
    temperature: entry.temperature,
    maxCalls: callsTo(instance, calls)
  })
}

/** A key is never sent where the operator did not say: the instance's own origin, or one on its list. */
const isAllowed = (baseUrl: string, instance: InstanceSettings): boolean => {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined
  if (url === undefined || url.username !== "" || url.password !== "" || url.search !== "") return false
  return [instance.baseUrl ?? vendors[instance.provider].baseUrl, ...instance.allowedBaseUrls].some(
    (allowed) => allowed !== undefined && URL.canParse(allowed) && new URL(allowed).origin === url.origin
  )
}

const none: ReadonlyArray<Excluded> = []

/** Candidates that are not well are left out while somebody else is; what the cap of attempts cannot reach, too. */
const select = (
  chain: ReadonlyArray<Candidate>,
  unable: ReadonlyArray<Inability>,
  ailment: Ailment,
  maxAttempts: number
): Pick<Plan, "candidates" | "excluded" | "lastResort"> => {
  const ailments = chain.map(({ instance, model }) => ailment(instance, model))
  if (unable.length === 0 && chain.length <= maxAttempts && ailments.every((ailing) => ailing === undefined)) {
    return { candidates: chain, excluded: none, lastResort: undefined }
  }
  const inability = (candidate: Candidate): Inability | undefined => unable.find((each) => each.candidate === candidate)
  const able = chain.flatMap((candidate, at) =>
    inability(candidate) === undefined ? [{ candidate, ailing: ailments[at] }] : []
  )
  const well = able.some(({ ailing }) => ailing === undefined)
  // A soft reason alone keeps nobody from being asked when nobody else is there.
  const circuits = able.filter(({ ailing }) => ailing !== undefined && !Ailing.isSoft(ailing))
  const last = !well && circuits.length === able.length ? nearest(circuits) : undefined
  const candidates: Array<Candidate> = []
  const excluded: Array<Excluded> = []
  for (const [at, candidate] of chain.entries()) {
    const cannot = inability(candidate)
    const ailing = ailments[at]
    const why =
      cannot ?? (last === undefined ? avoided(ailing, well) : last.candidate === candidate ? undefined : ailing)
    if (why === undefined && candidates.length < maxAttempts) candidates.push(candidate)
    else {
      excluded.push({
        instance: candidate.instance.id,
        model: candidate.model,
        reason: why?.reason ?? "attempts",
        detail: why?.detail ?? `a request may cost ${maxAttempts} calls`,
        ahead: candidates.length === 0
      })
    }
  }
  return { candidates, excluded, lastResort: last?.ailing?.until }
}

/** While somebody is well, whoever is not; while none is, those whose circuit says so, and not those of a soft reason. */
const avoided = (ailing: Ailing.Ailing | undefined, well: boolean): Ailing.Ailing | undefined =>
  ailing !== undefined && !well && Ailing.isSoft(ailing) ? undefined : ailing

const nearest = <A extends { readonly ailing: Ailing.Ailing | undefined }>(ill: ReadonlyArray<A>): A | undefined =>
  ill.toSorted((a, b) => (a.ailing?.until ?? 0) - (b.ailing?.until ?? 0))[0]
