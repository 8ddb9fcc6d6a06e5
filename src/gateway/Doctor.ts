import type * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Explain from "../routing/Explain.js"
import * as Failover from "../routing/Failover.js"
import { Planner } from "../routing/Planner.js"
import { Database } from "../store/Database.js"
import { describe } from "../store/DatabaseError.js"
import * as Schema from "../store/Schema.js"
import * as DoctorTables from "./DoctorTables.js"

/** What one check found. */
export interface Finding {
  readonly name: string
  readonly passed: boolean
  /** A safe sentence. */
  readonly finding: string
  /** What to do about it; null where it passed. */
  readonly remedy: string | null
}

/** The ten checks of the database and a rehearsal of a failover, in this order. Nothing is changed, and nobody is called. */
export const run: Effect.Effect<ReadonlyArray<Finding>, never, Database | Planner> = Effect.gen(function* () {
  const database = yield* Database
  const { knowledge } = yield* Planner
  const known = knowledge(yield* Clock.currentTimeMillis)
  const findings: Array<Finding> = []
  const check = (name: string, found: Effect.Effect<Found, SqlError, SqlClient.SqlClient>) =>
    Effect.gen(function* () {
      const outcome = yield* database.use(found).pipe(
        Effect.timeoutTo({ duration: patience, onSuccess: (done) => done, onTimeout: () => late }),
        Effect.catchAll((error) => Effect.succeed(refused(error)))
      )
      findings.push({
        name,
        passed: outcome.remedy === undefined,
        finding: outcome.finding,
        remedy: outcome.remedy ?? null
      })
    })

  yield* check("Database Connection", connection(database.status()))
  yield* check("Schema Tables", tables)
  yield* check("Schema Columns", columns)
  // Without its tables nothing else can be asked.
  const isWhole = findings.every(({ passed }) => passed)
  const onTables = (name: string, found: Check) => check(name, isWhole ? found : unasked)
  yield* onTables("Providers Data", providers)
  yield* onTables("Models Data", models)
  yield* onTables("Failover Query - Basic", basic(known))
  yield* onTables("Failover Query - Sorting", sorting(known))
  yield* onTables("Model Aliases", aliases(known))
  yield* onTables("Health Tracking", tracking)
  yield* onTables("Failover Simulation", simulation(known))
  return findings
})

/** Without a remedy it passed. */
interface Found {
  readonly finding: string
  readonly remedy?: string
}

type Check = Effect.Effect<Found, SqlError, SqlClient.SqlClient>

const patience = "10 seconds"

const late: Found = {
  finding: `the database did not answer within ${patience}`,
  remedy: "See what keeps it busy, or whether DATABASE_URL is its address; then run this again."
}

/** Remedies that more than one check has. */
const sync = "Ask the providers for their models: orelse models sync"
const migrate = "Bring the schema up to date, as a start of the gateway does too: orelse migrate"

const unasked: Check = Effect.succeed({ finding: "not asked: the schema is not whole", remedy: migrate })

const refused = (error: { readonly _tag: string; readonly message: string } | SqlError): Found => {
  if (error._tag !== "SqlError") {
    return {
      finding: error.message,
      remedy: error.message.includes("DATABASE_URL is none")
        ? "Set DATABASE_URL to a Postgres, or leave it away for the embedded database in ORELSE_DATA_DIR."
        : "See that the database runs, and that DATABASE_URL or ORELSE_DATA_DIR names it; the gateway's log says what it met."
    }
  }
  const code = describe(error)
  return {
    finding: `the database refuses (${code})`,
    remedy: "Look the code up in Postgres' list of error codes; the user may lack a privilege."
  }
}

const connection = (status: ReturnType<Database["Type"]["status"]>): Check =>
  Effect.map(Effect.timed(DoctorTables.version), ([, version]) =>
    status === "read_only"
      ? {
          finding: `Postgres ${version} answers, and takes nothing: it is read-only`,
          remedy: "Name the primary by DATABASE_URL, not a replica; what is to be written waits."
        }
      : { finding: `Postgres ${version} answers` }
  )

const tables: Check = Effect.map(Schema.missing, ({ tables: absent }) =>
  absent.length === 0
    ? { finding: `all ${Object.keys(Schema.needed).length} tables are there` }
    : { finding: `not there: ${absent.join(", ")}`, remedy: migrate }
)

const columns: Check = Effect.map(Schema.missing, ({ columns: absent, tables: without }) =>
  absent.length > 0
    ? { finding: `not there: ${absent.join(", ")}`, remedy: migrate }
    : without.length > 0
      ? { finding: `${without.length} tables are not there, nor are their columns`, remedy: migrate }
      : { finding: `all ${Object.values(Schema.needed).flat().length} columns are there` }
)

const providers: Check = Effect.map(DoctorTables.providers, ({ active, all }) =>
  active > 0
    ? { finding: `${active} of ${all} in service` }
    : {
        finding: all === 0 ? "there are none" : `none of ${all} is in service`,
        remedy: `Give a provider's key, as OPENAI_API_KEY, or an instance in the config file; a start of the gateway writes them down. ${sync}`
      }
)

const models: Check = Effect.map(DoctorTables.models, ({ all, names }) =>
  all > 0
    ? { finding: `${names} models, ${all} counted by provider` }
    : { finding: "no provider's models are known", remedy: sync }
)

const basic = (known: Explain.Knowledge): Check =>
  Effect.map(DoctorTables.shared, ([most]) => {
    if (most === undefined) return { finding: "there is no model to ask about", remedy: sync }
    const found = new Set(
      Failover.providersFor(most.model, { activeOnly: true }, known).map(({ instance }) => instance)
    )
    const lost = most.providers.filter((slug) => !found.has(slug))
    return lost.length === 0
      ? { finding: `${most.model} has ${found.size === 1 ? "one provider" : `${found.size} providers`}` }
      : {
          finding: `${most.model}: the query does not find ${lost.join(", ")}`,
          remedy:
            "Their lists name it, but the configuration does not let them serve it: see `models` of these instances, and orelse explain."
        }
  })

const sorting = (known: Explain.Knowledge): Check =>
  Effect.map(DoctorTables.shared, ([most]) => {
    if (most === undefined) return { finding: "there is no model to sort the providers of", remedy: sync }
    const rows = Failover.providersFor(most.model, { activeOnly: false }, known)
    const places = rows.map(({ active, priority }) => priority ?? (active ? 1e6 : 1e7))
    const isSorted = places.every((place, at) => at === 0 || (places[at - 1] ?? 0) <= place)
    const asked = rows.filter(({ priority }) => priority !== null)
    if (!isSorted)
      return { finding: `${most.model}: its providers are out of order`, remedy: "Report it: this is a bug." }
    return asked.length === 0
      ? {
          finding: `${most.model}: nobody would be asked (${rows[0]?.left_out ?? "nobody serves it"})`,
          remedy: "See how the instances are, and why they are left out: orelse stats, orelse explain."
        }
      : {
          finding: `${most.model}: ${asked.map(({ health, instance }) => (health === null ? instance : `${instance} (${health})`)).join(", then ")}`
        }
  })

const aliases = (known: Explain.Knowledge): Check =>
  Effect.gen(function* () {
    const { all, renamed } = yield* DoctorTables.models
    if (all === 0) return { finding: "there is no model that could have a name", remedy: sync }
    const one = yield* DoctorTables.renamed
    if (one === undefined) return { finding: "every provider calls its models by their canonical names" }
    const rows = Failover.of(one.provider, Failover.providersFor(one.model, { activeOnly: false }, known))
    const own = rows.map(({ provider_model_id }) => provider_model_id)
    return own.length > 0
      ? {
          finding: `${renamed} have a name of their own at their provider: ${one.model} is ${own[0]} at ${one.provider}`
        }
      : {
          finding: `${one.model} is ${one.own} at ${one.provider}, which nobody would find`,
          remedy: "The configuration does not let this instance serve it: see its `models`, and orelse explain."
        }
  })

const tracking: Check = Effect.gen(function* () {
  const counted = yield* DoctorTables.rehearsedTracking
  const tracked = yield* DoctorTables.tracked
  return counted
    ? { finding: tracked === 0 ? "calls can be counted; none was yet" : `calls to ${tracked} models are counted` }
    : {
        finding: "a call that was counted is not there",
        remedy: "Look for triggers or rules on model_health_tracking."
      }
})

/** With the first of a model's providers forced ill, in a copy of what is known. */
const simulation = (known: Explain.Knowledge): Check =>
  Effect.map(DoctorTables.shared, (shared) => {
    const names = [...shared.map(({ model }) => model), ...known.snapshot.settings.models.map(({ id }) => id)]
    for (const model of names) {
      const [first, second] = plannedFor(model, known)
      if (first === undefined || second === undefined) continue
      const [next] = plannedFor(model, withIll(first, known))
      if (next !== undefined && next !== first) {
        return { finding: `${model}: with ${first} ill, ${next} takes over` }
      }
      return {
        finding: `${model}: with ${first} ill, nobody takes over from it, though ${second} is there`,
        remedy: `See why ${second} does not: orelse explain ${model}`
      }
    }
    return {
      finding: "no model has two providers that could be asked now",
      remedy: `Add a second instance that serves one of the models, or a second target to a model in the config file. ${sync}`
    }
  })

/** Instances in the order in which they would be asked. */
const plannedFor = (model: string, known: Explain.Knowledge): ReadonlyArray<string> =>
  Either.match(Explain.planOf(model, known), { onLeft: () => [], onRight: Explain.instancesOf })

const withIll = (ill: string, known: Explain.Knowledge): Explain.Knowledge => ({
  ...known,
  situation: (request) => {
    const situation = known.situation(request)
    return {
      ...situation,
      ailment: (candidate) =>
        candidate.instance.id === ill
          ? { reason: "circuit_open", detail: "the doctor rehearses", until: Number.POSITIVE_INFINITY }
          : situation.ailment(candidate)
    }
  }
})
