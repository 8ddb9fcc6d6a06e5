import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as ConfigError from "./ConfigError.js"
import * as ConfigFile from "./ConfigFile.js"
import * as ConfigSource from "./ConfigSource.js"
import * as CrossCheck from "./CrossCheck.js"
import * as Environment from "./Environment.js"
import * as FileForm from "./FileForm.js"
import * as Instances from "./Instances.js"
import { interpolate } from "./Interpolate.js"
import { toProblems, type Issue } from "./Issue.js"
import * as Models from "./Models.js"
import * as Preset from "./Preset.js"
import type { InstanceSettings, ModelSettings, RoutingSettings, Settings } from "./Settings.js"
import * as UnknownField from "./UnknownField.js"

/** What was said of an instance over the admin API: all of a new one, or what is other than in the configuration. */
export interface InstanceEntry {
  /** In the form of the config file, without `id` and `apiKey`; null takes a field away. */
  readonly fields: FileForm.Fields
  /** A key, or the `${VAR}` that holds one; null: none; absent: as it is configured. */
  readonly apiKey?: Redacted.Redacted | null
  /** There is a key, which nobody here can read: the instance is out of service. */
  readonly locked?: true
}

/** What was changed over the admin API. It lies on top of the file and the environment. */
export interface Overlay {
  /** By id. */
  readonly instances: ReadonlyMap<string, InstanceEntry>
  /** By id, without it: in the form of the config file, whole or what is other than there. */
  readonly models: ReadonlyMap<string, FileForm.Fields>
  readonly routing: Partial<Pick<RoutingSettings, "strategy" | "weights">>
}

/** Nothing was changed. */
export const none: Overlay = { instances: new Map(), models: new Map(), routing: {} }

/** An entry that does not fit the configuration, and why. Paths start at the entry; no key is in them. */
export interface Unfit {
  readonly section: "instances" | "models" | "routing"
  /** Empty for the routing. */
  readonly id: string
  readonly problems: ReadonlyArray<ConfigError.Problem>
}

export interface Laid {
  readonly settings: Settings
  readonly unfit: ReadonlyArray<Unfit>
}

/**
 * Lays an overlay over the configuration as far as it fits: an entry that does not is left out, since the configuration may
 * have changed under it. Only targets and weights of instances that are gone are kept; nobody is asked for them.
 */
export const lay = (configured: Settings, { instances, models, routing }: Overlay): Laid => {
  const unfit: Array<Unfit> = []
  const note = (section: Unfit["section"], id: string, { issues, key }: Checked): void => {
    if (issues.length === 0) return
    unfit.push({ section, id, problems: ConfigError.make(undefined, toProblems(issues), key).problems })
  }
  const env = Redacted.value(configured.variables)
  const variables = Either.getOrElse(Environment.read(env), (): Environment.Variables => ({}))

  const laidInstances = new Map(configured.instances.map((instance) => [instance.id, instance]))
  for (const [id, entry] of instances) {
    const checked = checkInstance(id, entry, laidInstances.get(id), env)
    note("instances", id, checked)
    const [made] = Instances.fromFile(checked.file?.instances ?? [], variables)
    if (made !== undefined) laidInstances.set(id, made)
  }
  const made = withoutStandIns(configured.instances, [...laidInstances.values()])

  const ids = made.map((instance) => instance.id)
  const laidModels = new Map(configured.models.map((model) => [model.id, model]))
  for (const [id, fields] of models) {
    const checked = checkModel(id, fields, laidModels, ids)
    note("models", id, checked)
    const [model] = Models.fromFile(checked.file?.models ?? [])
    if (model !== undefined) laidModels.set(id, model)
  }

  const checked = checkRouting(routing, ids)
  note("routing", "", checked)
  const changed = checked.file === undefined ? {} : routing
  return {
    settings: {
      ...configured,
      instances: made,
      models: [...laidModels.values()],
      routing: { ...configured.routing, ...changed }
    },
    unfit
  }
}

/** The same, where all of it must fit. */
export const apply = (
  configured: Settings,
  overlay: Overlay
): Either.Either<Settings, ReadonlyArray<ConfigError.Problem>> => {
  const { settings, unfit } = lay(configured, overlay)
  return unfit.length === 0 ? Either.right(settings) : Either.left(unfit.flatMap(problemsOf))
}

/** Its problems with their paths from the root. */
export const problemsOf = ({ id, problems, section }: Unfit): ReadonlyArray<ConfigError.Problem> =>
  problems.map((problem) => ({
    ...problem,
    path: [section, id, problem.path].filter((step) => step !== "").join(".")
  }))

/** Its problems as a part of a sentence. */
export const reasonOf = ({ problems }: Unfit): string =>
  problems.map(({ message, path }) => (path === "" ? message : `${path} ${message}`)).join("; ")

interface Checked {
  readonly issues: ReadonlyArray<Issue>
  /** What it says; `undefined`: it cannot be used. */
  readonly file: ConfigFile.ConfigFile | undefined
  /** What no message may show. */
  readonly key: ReadonlyArray<string>
}

const checkInstance = (
  id: string,
  { apiKey, fields, locked }: InstanceEntry,
  base: InstanceSettings | undefined,
  env: ReadonlyMap<string, string>
): Checked => {
  const under = base === undefined ? {} : FileForm.ofInstance(base)
  const given = apiKey === undefined && !locked ? base?.apiKey : (apiKey ?? undefined)
  const written = given === undefined ? undefined : Redacted.value(given)
  // What is configured was filled already.
  const filled = apiKey === undefined ? { value: written, issues: [] } : interpolate(written, env, ["apiKey"])
  const key = written === undefined ? {} : { apiKey: filled.value }
  const own = { ...fields, id, ...key, ...(locked ? { enabled: false } : {}) }
  const checked = check("instances", Preset.overlay(under, own), [], env.has("CLOUDFLARE_ACCOUNT_ID"))
  const issues = [...filled.issues, ...unfilled(fields), ...checked.issues]
  return {
    issues: locked ? [...issues, sealedOtherwise] : issues,
    key: [written, filled.value].filter(Predicate.isString),
    file: issues.length === 0 ? checked.file : undefined
  }
}

const sealedOtherwise: Issue = {
  path: ["apiKey"],
  message:
    "was sealed with another ORELSE_ADMIN_KEY, so the instance is out of service; set that one, or PATCH the instance with its key"
}

/** Whoever may change instances need not be shown whatever the environment holds. */
const unfilled = (fields: FileForm.Fields): ReadonlyArray<Issue> =>
  Object.entries(fields).flatMap(([field, value]) =>
    JSON.stringify(value ?? null).includes("${")
      ? [{ path: [field], message: "holds a ${, which is filled from the environment in apiKey only" }]
      : []
  )

const checkModel = (
  id: string,
  fields: FileForm.Fields,
  models: ReadonlyMap<string, ModelSettings>,
  ids: ReadonlyArray<string>
): Checked => {
  const base = models.get(id)
  const own = Preset.overlay(base === undefined ? {} : FileForm.ofModel(base), { ...fields, id })
  const { file, issues } = check("models", own, ids)
  const doubled = takenNames(Models.fromFile(file?.models ?? [])[0], models)
  // The other targets go on.
  const usable = doubled.length === 0 && issues.every(({ path }) => path[0] === "targets" && path[2] === "instance")
  return { issues: [...issues, ...doubled], key: [], file: usable ? file : undefined }
}

const takenNames = (
  made: ModelSettings | undefined,
  models: ReadonlyMap<string, ModelSettings>
): ReadonlyArray<Issue> => {
  if (made === undefined) return []
  const others = [...models.values()].filter(({ id }) => id !== made.id)
  const taken = new Set(others.flatMap(({ aliases, id }) => [id, ...aliases]))
  return [made.id, ...made.aliases].flatMap((name, place) =>
    taken.has(name)
      ? [{ path: place === 0 ? ["id"] : ["aliases", place - 1], message: `the name ${name} is taken already` }]
      : []
  )
}

const checkRouting = (routing: Overlay["routing"], ids: ReadonlyArray<string>): Checked => {
  const file = { routing }
  const decoded = ConfigFile.decode(file)
  const strangers = CrossCheck.crossCheck(file, ids, false)
  const issues = [...UnknownField.find(file), ...left(decoded), ...strangers]
  return {
    issues: issues.map(({ message, path }) => ({ message, path: path.slice(1) })),
    key: [],
    file: Either.getOrUndefined(decoded)
  }
}

/** Checks an entry as the config file is checked. */
const check = (
  section: "instances" | "models",
  entry: unknown,
  ids: ReadonlyArray<string>,
  hasAccount = false
): Pick<Checked, "file" | "issues"> => {
  const file = ConfigSource.withoutEmpty({ [section]: [entry] })
  const decoded = ConfigFile.decode(file)
  const issues = [...UnknownField.find(file), ...left(decoded), ...CrossCheck.crossCheck(file, ids, hasAccount)]
  return {
    file: Either.getOrUndefined(decoded),
    issues: issues.map(({ message, path }) => ({ message, path: path.slice(2) }))
  }
}

const left = <E>(either: Either.Either<unknown, ReadonlyArray<E>>): ReadonlyArray<E> =>
  Either.match(either, { onLeft: (issues) => issues, onRight: () => [] })

/** What stands in where nobody configured an instance gives way to the first one that somebody adds. */
const withoutStandIns = (
  configured: ReadonlyArray<InstanceSettings>,
  laid: ReadonlyArray<InstanceSettings>
): ReadonlyArray<InstanceSettings> => {
  if (configured !== Instances.simulated) return laid
  const added = laid.filter(({ id }) => !configured.some((standIn) => standIn.id === id))
  return added.some(({ enabled }) => enabled) ? added : laid
}
