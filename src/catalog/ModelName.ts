import type { InstanceSettings, ReplacementSettings } from "../config/Settings.js"
import { vendors } from "../provider/Vendor.js"
import * as Rows from "./Rows.js"
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
 * its names, the local model whatever was asked, and who serves open models all but those that only their maker has. Whoever
 * has given its own list serves what is in it, under its own ids; of the rest only what its vendor makes, or an operator chose.
 */
export const targets = (
  name: string,
  instances: ReadonlyArray<InstanceSettings>,
  find: (instanceOrVendor: string) => InstanceSettings | undefined,
  replacements: ReplacementSettings,
  rows: Rows.Rows = Rows.none
): ReadonlyArray<Target> => {
  const prefix = pin(name, find)
  const lists = new Lists(rows, prefix?.model ?? name, name)
  if (prefix !== undefined && !offers(prefix.instance, lists.pinned(prefix.instance, prefix.model))) {
    return elsewhere(name, instances, lists)
  }
  const pinned = prefix ?? local(name, find, replacements)
  const model = pinned?.model ?? name
  // Whoever names an instance wants that one; whoever names a vendor, any instance of it.
  const vendor = prefix !== undefined && prefix.instance.id !== prefixOf(name) ? prefix.instance.provider : undefined
  const isPeer = (instance: InstanceSettings, served: string): boolean =>
    (pinned === undefined || instance.provider === vendor) &&
    (served === model || served === lists.idOf(instance) || !standsIn(served, replacements))
  const found: Array<Target> =
    pinned === undefined
      ? []
      : [target(pinned.instance, lists.pinned(pinned.instance, pinned.model), vendor !== undefined)]
  for (const instance of instances) {
    for (const served of servedAs(model, name, instance, replacements, lists)) {
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
  placed: false,
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
const elsewhere = (name: string, instances: ReadonlyArray<InstanceSettings>, lists: Lists): ReadonlyArray<Target> =>
  instances.flatMap((instance) => {
    const listed = instance.models?.includes(name) ?? (instance.provider === "openrouter" && !lists.has(instance))
    if (listed) return [target(instance, name, true)]
    const own = lists.asked(instance)
    return own !== undefined && offers(instance, own) ? [target(instance, own, true)] : []
  })

/** What the instances' own lists say of a model and of the name that it was asked by. */
class Lists {
  private readonly byModel: ReadonlyMap<string, Rows.CatalogRow>
  private readonly byName: ReadonlyMap<string, Rows.CatalogRow>

  constructor(
    private readonly rows: Rows.Rows,
    model: string,
    name: string
  ) {
    this.byName = rows.named(name)
    this.byModel = model === name ? this.byName : rows.named(model)
  }

  /** Has the instance given a list? */
  has({ id }: InstanceSettings): boolean {
    return this.rows.synced(id)
  }

  /** Its own id of the model; `undefined`: it has none. */
  idOf({ id }: InstanceSettings): string | undefined {
    return active(this.byModel.get(id)) ?? active(this.byName.get(id))
  }

  /** Its own id of the very name. */
  asked({ id }: InstanceSettings): string | undefined {
    return active(this.byName.get(id))
  }

  /** Its own id of what was asked of it alone: the caller's word, where neither the operator nor its list knows it. */
  pinned(instance: InstanceSettings, model: string): string {
    return instance.models?.includes(model) === true ? model : (this.idOf(instance) ?? model)
  }

  /** Somebody took the model off its list. */
  isOff(instance: InstanceSettings): boolean {
    return this.idOf(instance) === undefined && (this.byModel.has(instance.id) || this.byName.has(instance.id))
  }

  /** Is it in the list under this own id, as far as there is a list? */
  mayHave({ id }: InstanceSettings, own: string): boolean {
    return !this.rows.synced(id) || this.rows.own(id, own)?.active === true
  }
}

const active = (row: Rows.CatalogRow | undefined): string | undefined =>
  row?.active === true ? row.providerModelId : undefined

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
  replacements: ReplacementSettings,
  lists: Lists
): ReadonlyArray<string> => {
  const own = lists.idOf(instance)
  if (instance.models !== undefined) {
    const { models } = instance
    return [model, asked, own].flatMap((id) => (id !== undefined && models.includes(id) ? [id] : [])).slice(0, 1)
  }
  const maker = makerOf(model) ?? makerOf(asked)
  const vendor = vendors[instance.provider]
  switch (instance.provider) {
    case "azure":
      return own === undefined ? [] : [own]
    case "openrouter": {
      if (model === replacements.local) return replacements.others
      const { chosen, usual } = onOpenRouter(model, maker, replacements)
      if (chosen !== undefined) return [chosen]
      const listed = own ?? (usual !== undefined && lists.mayHave(instance, usual) ? usual : undefined)
      return [...(listed === undefined ? [] : [listed]), ...othersFor(maker, replacements)]
    }
    case "ollama":
      return [own ?? replacements.local]
    default:
      if (own !== undefined) return [own]
      if (vendor.makes !== undefined) return vendor.makes.test(model) && !lists.isOff(instance) ? [model] : []
      if (lists.has(instance)) return []
      // Nobody but its maker has a closed model.
      return vendor.open && maker !== undefined ? [] : [model]
  }
}

/** What the operator chose to answer for a model on OpenRouter, and OpenRouter's usual name for it. */
const onOpenRouter = (
  model: string,
  maker: Maker | undefined,
  replacements: ReplacementSettings
): { readonly chosen?: string | undefined; readonly usual?: string } => {
  switch (maker) {
    case "openai":
      return { chosen: replacements.openai, usual: `openai/${model}` }
    case "anthropic":
      return { chosen: replacements.claude, usual: `anthropic/${openRouterClaude(model)}` }
    case "google":
      return { usual: `google/${model}` }
    case "azure":
      return {}
    default:
      return { usual: model }
  }
}

/** What else OpenRouter is asked for in place of a model that has no vendor of its own there. */
const othersFor = (maker: Maker | undefined, { others }: ReplacementSettings): ReadonlyArray<string> =>
  maker === undefined || maker === "azure" || maker === "cloudflare" ? others : []

/** Anthropic's `claude-3-5-sonnet-20241022` is OpenRouter's `claude-3.5-sonnet`, and `claude-sonnet-4-0` has no `.0`. */
const openRouterClaude = (model: string): string =>
  model
    .replace(/-(\d{8}|latest)$/, "")
    .replace(/-0$/, "")
    .replace(/-(\d)-(\d)(?=-|$)/, "-$1.$2")
