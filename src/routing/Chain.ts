import * as Either from "effect/Either"
import type { Snapshot } from "../catalog/Catalog.js"
import { offers } from "../catalog/ModelName.js"
import type { Target } from "../catalog/Target.js"
import type { InstanceSettings } from "../config/Settings.js"
import type { ChatRequest, FallbackEntry } from "../domain/ChatRequest.js"
import { ModelNotServed, RequestRejected } from "../domain/GatewayError.js"
import { vendors } from "../provider/Vendor.js"
import type { Candidate } from "./Candidate.js"

/** Everybody who serves what a request asks for, in the order in which that is configured or asked for. */
export const of = (
  request: ChatRequest,
  snapshot: Snapshot
): Either.Either<ReadonlyArray<Candidate>, RequestRejected | ModelNotServed> => {
  const { fallback } = request
  const own = snapshot.resolve(request.model)
  const candidates = request.models.length === 0 ? ofTargets(own) : unique([request.model, ...request.models], snapshot)
  const [first] = candidates
  if (first === undefined) return Either.left(new ModelNotServed({ model: request.model }))
  if (fallback === undefined) return Either.right(candidates)
  const calls = fallback.enabled ? fallback.maxRetriesPerProvider : undefined
  const head = { ...first, peer: false, maxCalls: callsTo(first.instance, calls) }
  if (!fallback.enabled) return Either.right([head])
  const chain: Array<Candidate> = [head]
  for (const [index, entry] of fallback.providers.entries()) {
    const step = ofEntry(entry, `fallback.providers[${index}]`, snapshot, calls)
    if (Either.isLeft(step)) return Either.left(step.left)
    chain.push(step.right)
  }
  return Either.right(chain)
}

const ofTarget = (target: Target, stage = 0): Candidate => ({
  instance: target.instance,
  model: target.model,
  catch: target.catch,
  contextWindow: target.contextWindow,
  peer: target.peer,
  stage,
  baseUrl: undefined,
  maxTokens: undefined,
  temperature: undefined,
  maxCalls: target.instance.retry.maxAttempts
})

/** The catalogue gives the same targets for the same model each time; so their candidates are made once. */
const ofTargets = (targets: ReadonlyArray<Target>): ReadonlyArray<Candidate> => {
  const known = remembered.get(targets)
  if (known !== undefined) return known
  const made = targets.map((target) => ofTarget(target))
  remembered.set(targets, made)
  return made
}

const remembered = new WeakMap<ReadonlyArray<Target>, ReadonlyArray<Candidate>>()

const callsTo = (instance: InstanceSettings, retries: number | undefined): number =>
  retries === undefined ? instance.retry.maxAttempts : retries + 1

/** The chains of several models behind one another, each target once. */
const unique = (models: ReadonlyArray<string>, snapshot: Snapshot): ReadonlyArray<Candidate> => {
  const all = models.flatMap((model, stage) => snapshot.resolve(model).map((target) => ofTarget(target, stage)))
  return all.filter(
    ({ instance, model }, at) => all.findIndex((other) => other.instance === instance && other.model === model) === at
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
    contextWindow: snapshot.contextWindow(instance, entry.modelName),
    peer: false,
    stage: 0,
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
