import * as Redacted from "effect/Redacted"
import type { Variables } from "./Environment.js"
import { waysToMakeOne } from "./Instances.js"
import type { InstanceSettings } from "./Settings.js"
import * as Unheld from "./Unheld.js"

/** What the operator should read at start. None holds a key. */
export const notices = (
  instances: ReadonlyArray<InstanceSettings>,
  limits: Unheld.Limits,
  /** Nobody configured an instance, so the simulated pair stands in. */
  standIns: boolean,
  variables: Variables,
  env: ReadonlyMap<string, string>
): ReadonlyArray<string> => [
  ...(standIns ? [standInNotice] : simulatedOf(instances)),
  ...Unheld.notices(limits),
  ...(instances.some(({ enabled }) => enabled) ? [] : ["Every instance is disabled, so no request can be answered."]),
  ...unused.flatMap((name) => (env.has(name) ? [`${name} is set and this version makes no use of it.`] : [])),
  ...(variables.ORELSE_ADMIN_KEY !== undefined && Redacted.value(variables.ORELSE_ADMIN_KEY).length < 16
    ? ["ORELSE_ADMIN_KEY is shorter than 16 characters and may be guessed; `openssl rand -hex 32` makes a good one."]
    : [])
]

const standInNotice =
  "NO PROVIDER IS CONFIGURED. Two SIMULATED providers stand in: every answer is invented, no model is called, and " +
  `simulated-primary fails 3 calls in 10 to show the fallback. To make it real, ${waysToMakeOne}.`

const simulatedOf = (instances: ReadonlyArray<InstanceSettings>): ReadonlyArray<string> => {
  const ids = instances.filter(({ enabled, provider }) => enabled && provider === "simulated").map(({ id }) => id)
  return ids.length === 0
    ? []
    : [`SIMULATED: what ${ids.join(" and ")} answer${ids.length === 1 ? "s" : ""} is invented.`]
}

/** Variables of later versions; whoever sets one should not believe that it acts. */
const unused = ["REDIS_URL"]
