import type { InstanceSettings, ReplacementSettings } from "../config/Settings.js"
import { vendors } from "../provider/Vendor.js"
import type { Target } from "./Target.js"

/** Who made a model, as far as its name tells. */
export type Maker = "openai" | "anthropic" | "google" | "cloudflare" | "azure"

/** The maker that a bare model name belongs to. */
export const makerOf = (model: string): Maker | undefined => makers.find(([pattern]) => pattern.test(model))?.[1]

const makers: ReadonlyArray<readonly [RegExp, Maker]> = [
  [/^(gpt-(?!oss)|o1|o3|o4|chatgpt-)/, "openai"],
  [/^claude-/, "anthropic"],
  [/^gemini-/, "google"],
  [/^@cf\//, "cloudflare"],
  [/^azure\//, "azure"]
]

/**
 * The chain of a model that no `models` entry names. Every instance that serves it is a step, in the order of their
 * priorities: one that lists its models serves those. Of the others a maker serves its own models, OpenRouter everything under
 * its names, the local model whatever was asked, and who serves open models all but those that only their maker has.
 */
export const targets = (
  name: string,
  instances: ReadonlyArray<InstanceSettings>,
  find: (instanceOrVendor: string) => InstanceSettings | undefined,
  replacements: ReplacementSettings
): ReadonlyArray<Target> => {
  const prefix = pin(name, find)
  if (prefix !== undefined && !offers(prefix.instance, prefix.model)) return elsewhere(name, instances)
  const pinned = prefix ?? local(name, find, replacements)
  const model = pinned?.model ?? name
  // Whoever names an instance wants that one; whoever names a vendor, any instance of it.
  const vendor = prefix !== undefined && prefix.instance.id !== prefixOf(name) ? prefix.instance.provider : undefined
  const isPeer = (instance: InstanceSettings, served: string): boolean =>
    (pinned === undefined || instance.provider === vendor) && (served === model || !standsIn(served, replacements))
  const found: Array<Target> = pinned === undefined ? [] : [target(pinned.instance, pinned.model, vendor !== undefined)]
  for (const instance of instances) {
    for (const served of servedAs(model, name, instance, replacements)) {
      if (!found.some((other) => other.instance === instance && other.model === served)) {
        found.push(target(instance, served, isPeer(instance, served)))
      }
    }
  }
  return found
}

/** May the instance be asked for this model? A list of models is all that it serves. */
export const offers = (instance: InstanceSettings, model: string): boolean => instance.models?.includes(model) ?? true

/** What an instance without a list of models is known to serve. */
export const knownModels = (instance: InstanceSettings, replacements: ReplacementSettings): ReadonlyArray<string> => {
  switch (instance.provider) {
    case "openrouter":
      return [replacements.openai, replacements.claude, ...replacements.others].filter((model) => model !== undefined)
    case "ollama":
      return [replacements.local]
    default:
      return []
  }
}

const target = (instance: InstanceSettings, model: string, peer: boolean): Target => ({
  instance,
  model,
  catch: undefined,
  peer,
  contextWindow: undefined
})

/** Is it what the operator chose to answer for another model? */
const standsIn = (model: string, { claude, local, openai, others }: ReplacementSettings): boolean =>
  model === claude || model === local || model === openai || others.includes(model)

const prefixOf = (name: string): string => name.slice(0, name.indexOf("/"))

/** `instance/model` (or `vendor/model`) names who is asked first. */
const pin = (
  name: string,
  find: (instanceOrVendor: string) => InstanceSettings | undefined
): { readonly instance: InstanceSettings; readonly model: string } | undefined => {
  const slash = name.indexOf("/")
  if (slash <= 0 || slash === name.length - 1) return undefined
  const instance = find(prefixOf(name))
  const model = name.slice(slash + 1)
  if (instance === undefined) return undefined
  // OpenRouter's own ids are `maker/model`; `openrouter/auto` is one of them.
  if (instance.provider === "openrouter" && !model.includes("/")) return undefined
  return { instance, model }
}

/** The instance that was named does not serve it; the very name may still be one of another's, as on OpenRouter. */
const elsewhere = (name: string, instances: ReadonlyArray<InstanceSettings>): ReadonlyArray<Target> =>
  instances
    .filter(({ models, provider }) => models?.includes(name) ?? provider === "openrouter")
    .map((instance) => target(instance, name, true))

/** The local model asked for by its own name is asked first. */
const local = (
  name: string,
  find: (instanceOrVendor: string) => InstanceSettings | undefined,
  replacements: ReplacementSettings
): { readonly instance: InstanceSettings; readonly model: string } | undefined => {
  const instance = name === replacements.local ? find("ollama") : undefined
  return instance === undefined ? undefined : { instance, model: name }
}

/** Names under which an instance would be asked for a model, in order; none when it does not serve it. */
const servedAs = (
  model: string,
  asked: string,
  instance: InstanceSettings,
  replacements: ReplacementSettings
): ReadonlyArray<string> => {
  if (instance.models !== undefined) {
    return instance.models.includes(model) ? [model] : instance.models.includes(asked) ? [asked] : []
  }
  const maker = makerOf(model) ?? makerOf(asked)
  const vendor = vendors[instance.provider]
  switch (instance.provider) {
    case "azure":
      return []
    case "openrouter":
      if (model === replacements.local) return replacements.others
      return onOpenRouter(model, maker, replacements)
    case "ollama":
      return [replacements.local]
    default:
      if (vendor.makes !== undefined) return vendor.makes.test(model) ? [model] : []
      // Nobody but its maker has a closed model.
      return vendor.open && maker !== undefined ? [] : [model]
  }
}

/** OpenRouter's name for a model, the operator's replacement first. */
const onOpenRouter = (
  model: string,
  maker: Maker | undefined,
  replacements: ReplacementSettings
): ReadonlyArray<string> => {
  switch (maker) {
    case "openai":
      return [replacements.openai ?? `openai/${model}`]
    case "anthropic":
      return [replacements.claude ?? `anthropic/${openRouterClaude(model)}`]
    case "google":
      return [`google/${model}`]
    case "azure":
      return replacements.others
    default:
      return [model, ...replacements.others]
  }
}

/** Anthropic's `claude-3-5-sonnet-20241022` is OpenRouter's `claude-3.5-sonnet`, and `claude-sonnet-4-0` has no `.0`. */
const openRouterClaude = (model: string): string =>
  model
    .replace(/-(\d{8}|latest)$/, "")
    .replace(/-0$/, "")
    .replace(/-(\d)-(\d)(?=-|$)/, "-$1.$2")
