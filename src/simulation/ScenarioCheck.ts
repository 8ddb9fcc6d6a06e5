import * as Catalog from "../catalog/Catalog.js"
import type { Issue, Path } from "../config/Issue.js"
import { nearest } from "../config/Nearest.js"
import type { Compared } from "./Compared.js"
import * as Arrivals from "./Arrivals.js"
import { kindsOf } from "./Event.js"
import type { EventFields, ScenarioFile } from "./ScenarioFile.js"

/** What no single field of a scenario shows. */
export const check = (file: ScenarioFile): ReadonlyArray<Issue> => {
  const { answerTokens, promptTokens } = file.requests
  return [
    ...checkArrivals(file),
    ...checkSpread(promptTokens, ["requests", "promptTokens"]),
    ...checkSpread(answerTokens, ["requests", "answerTokens"]),
    ...Object.entries(file.behaviours).flatMap(([instance, { firstToken }]) =>
      firstToken === undefined ? [] : checkSpread(firstToken, ["behaviours", instance, "firstToken"])
    ),
    ...file.timeline.flatMap((event, place) => checkEvent(event, ["timeline", place], file.duration))
  ]
}

/** What of a scenario has nothing to do with its configuration. */
export const checkAgainst = (file: ScenarioFile, compared: ReadonlyArray<Compared>): ReadonlyArray<Issue> => {
  const snapshots = compared.map(({ settings }) => Catalog.makeSnapshot(settings))
  const { model } = file.requests
  const unserved = snapshots.some((snapshot) => snapshot.resolve(model).length === 0)
  const ids = [...new Set(compared.flatMap(({ settings }) => settings.instances.map(({ id }) => id)))]
  const unknown = (id: string, path: Path): ReadonlyArray<Issue> => {
    if (ids.includes(id)) return []
    const meant = nearest(id, ids)
    const hint = meant === undefined ? "" : `; did you mean ${meant}?`
    return [{ path, message: `no instance is called ${id}${hint}` }]
  }
  return [
    ...(unserved ? [{ path: ["requests", "model"], message: `no instance serves the model ${model}` }] : []),
    ...Object.keys(file.behaviours).flatMap((id) => unknown(id, ["behaviours", id])),
    ...file.timeline.flatMap(({ instance }, place) => unknown(instance, ["timeline", place, "instance"]))
  ]
}

/** All of them are kept in memory. */
const mostRequests = 5_000_000

const checkArrivals = ({ arrivals, duration }: ScenarioFile): ReadonlyArray<Issue> => {
  const { daily, rate, steps } = arrivals
  const path = ["arrivals"]
  if ([daily, rate, steps].filter((each) => each !== undefined).length !== 1) {
    return [{ path, message: "must hold exactly one of rate, steps and daily" }]
  }
  if (daily !== undefined && daily.low > daily.peak) {
    return [{ path: [...path, "daily", "low"], message: "must not be more than peak" }]
  }
  const back = steps?.findIndex(({ at }, place) => place > 0 && at <= (steps[place - 1]?.at ?? 0)) ?? -1
  if (back > 0) return [{ path: [...path, "steps", back, "at"], message: "must be later than the step before" }]
  const expected = Arrivals.most(arrivals, duration)
  if (expected > mostRequests) {
    const message = `may be ${Math.round(expected)} requests in all; a simulation takes ${mostRequests} at most`
    return [{ path, message }]
  }
  return []
}

const checkSpread = (spread: number | { readonly p50: number; readonly p99: number }, path: Path) =>
  typeof spread === "number" || spread.p50 <= spread.p99
    ? []
    : [{ path: [...path, "p99"], message: "must not be less than p50" }]

const checkEvent = (event: EventFields, path: Path, duration: number): ReadonlyArray<Issue> => {
  const kinds = kindsOf(event)
  const late = event.at >= duration ? [{ path: [...path, "at"], message: "is not before the end of the scenario" }] : []
  if (kinds.length === 1) return late
  const allowed =
    "outage, flap, rateLimit, slow, keyRevoked, quotaSpent, errors, breaks and malformed say what happens: exactly one must be there"
  return [...late, { path, message: allowed }]
}
