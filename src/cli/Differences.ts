import { same } from "../config/Same.js"
import type { Settings } from "../config/Settings.js"

/** What a new configuration changes, in words: never a value, which may be a key. */
export interface Differences {
  /** What is so from now on. */
  readonly made: ReadonlyArray<string>
  /** Fields that are read once. */
  readonly needRestart: ReadonlyArray<string>
}

/** Compares what was configured before with what is now. */
export const between = (before: Settings, after: Settings): Differences => {
  const { retryBudget, ...routing } = before.routing
  const { retryBudget: newBudget, ...newRouting } = after.routing
  const { bodyLimit, drain, ...listening } = before.server
  const { bodyLimit: newLimit, drain: newDrain, ...newListening } = after.server
  const sections = [
    ["routing", routing, newRouting],
    ["tasks", before.tasks, after.tasks],
    ["circuitBreaker", before.circuitBreaker, after.circuitBreaker],
    ["health", before.health, after.health],
    ["server", { bodyLimit, drain }, { bodyLimit: newLimit, drain: newDrain }]
  ] as const
  return {
    made: [
      ...listed("instances", before.instances, after.instances),
      ...listed("models", before.models, after.models),
      ...sections.flatMap(([name, one, other]) => {
        const fields = changed(one, other)
        return fields.length === 0 ? [] : [`changed in ${name}: ${fields.join(", ")}`]
      }),
      ...(same(before.rateLimits, after.rateLimits) ? [] : ["changed: rateLimits"]),
      ...(same(before.replacements, after.replacements) ? [] : ["changed: which models stand in for others"])
    ],
    needRestart: [
      ...changed(listening, newListening).map((field) =>
        field === "adminKey" ? "ORELSE_ADMIN_KEY" : `server.${field}`
      ),
      ...changed(before.log, after.log).map((field) => `log.${field}`),
      ...(same(retryBudget, newBudget) ? [] : ["routing.retryBudget"])
    ]
  }
}

interface Named {
  readonly id: string
}

const listed = (what: string, before: ReadonlyArray<Named>, after: ReadonlyArray<Named>): ReadonlyArray<string> => {
  const idsOf = (all: ReadonlyArray<Named>, but: ReadonlyArray<Named>): ReadonlyArray<string> =>
    all.filter(({ id }) => !but.some((other) => other.id === id)).map(({ id }) => id)
  const stayed = after.flatMap((now) => {
    const fields = before.flatMap((old) => (old.id === now.id ? changed(old, now) : []))
    return fields.length === 0 ? [] : [`${now.id} (${fields.join(", ")})`]
  })
  const groups = { added: idsOf(after, before), removed: idsOf(before, after), changed: stayed }
  return Object.entries(groups).flatMap(([how, ids]) => (ids.length === 0 ? [] : [`${what} ${how}: ${ids.join(", ")}`]))
}

/** Names of the fields that are not the same. */
const changed = (before: object, after: object): ReadonlyArray<string> => {
  const [one, other] = [new Map(Object.entries(before)), new Map(Object.entries(after))]
  return [...new Set([...one.keys(), ...other.keys()])].filter((field) => !same(one.get(field), other.get(field)))
}
