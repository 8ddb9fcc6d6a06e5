import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { InstanceEntry, Overlay } from "../config/Overlay.js"
import { same } from "../config/Same.js"
import { strategies, type InstanceSettings } from "../config/Settings.js"
import type { Seal } from "../store/Seal.js"
import type { Changes } from "./CatalogRows.js"
import { ChangedMeanwhile, type Change } from "./CatalogStore.js"
import type { ModelRow } from "./ModelRow.js"
import type { CatalogRow } from "./Rows.js"

/** What of the catalogue is in the tables. Every change counts one of `versions` on, in its own transaction. */
type Asks<A> = Effect.Effect<A, SqlError, SqlClient.SqlClient>

/** The numbers of changes so far: over the admin API, and of the instances' lists. */
export interface Versions {
  readonly catalog: string
  readonly models: string
}

export const versions: Asks<Versions> = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const found = yield* sql<{ name: string; version: string }>`
    SELECT name, version FROM versions WHERE name IN ('catalog', 'models')`
  const of = (name: keyof Versions): string => found.find((row) => row.name === name)?.version ?? ""
  return { catalog: of("catalog"), models: of("models") }
})

/** Instances that the configuration has are rows too, so that others can refer to them; those that are gone are not active. */
export const register = (instances: ReadonlyArray<InstanceSettings>): Asks<void> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = instances.map(({ enabled, id, priority, provider }) => ({
      slug: id,
      vendor: provider,
      is_active: enabled,
      priority
    }))
    yield* sql`
      INSERT INTO providers (slug, vendor, name, is_active, priority)
      SELECT slug, vendor, slug, is_active, priority
        FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS given(slug text, vendor text, is_active boolean, priority integer)
      ON CONFLICT (slug) DO UPDATE
        SET vendor = excluded.vendor, is_active = excluded.is_active, priority = excluded.priority, updated_at = now()
        WHERE (providers.vendor, providers.is_active, providers.priority)
          IS DISTINCT FROM (excluded.vendor, excluded.is_active, excluded.priority)`
    yield* sql`
      UPDATE providers SET is_active = false, updated_at = now()
       WHERE is_active AND settings IS NULL AND slug <> ALL(${instances.map(({ id }) => id)}::text[])`
  })

/** Keeps a change, where its entry still says what it said before. `sealed` is the key that is in it. */
export const save = (
  change: Change,
  sealed: string | null | undefined,
  seal: Seal | undefined
): Effect.Effect<void, ChangedMeanwhile | SqlError, SqlClient.SqlClient> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.withTransaction(
      Effect.gen(function* () {
        // Also the lock: what is read now is changed by nobody else before the end.
        yield* counted("catalog")
        if (!same(yield* keptOf(change, seal), change.before)) return yield* new ChangedMeanwhile({ message: tooLate })
        switch (change._tag) {
          case "Instance": {
            const { enabled, priority, provider } = change.made
            const settings = { fields: change.entry.fields, ...(sealed === undefined ? {} : { apiKey: sealed }) }
            yield* sql`
              INSERT INTO providers (slug, vendor, name, is_active, priority, source, settings)
              VALUES (${change.id}, ${provider}, ${change.id}, ${enabled}, ${priority}, 'api', ${JSON.stringify(settings)}::jsonb)
              ON CONFLICT (slug) DO UPDATE
                SET vendor = excluded.vendor, is_active = excluded.is_active, priority = excluded.priority,
                    settings = excluded.settings, updated_at = now()`
            break
          }
          case "Model":
            yield* change.entry === undefined
              ? sql`DELETE FROM model_routes WHERE model_id = ${change.id}`
              : sql`
                  INSERT INTO model_routes (model_id, definition, is_active)
                  VALUES (${change.id}, ${JSON.stringify(change.entry)}::jsonb, ${change.enabled})
                  ON CONFLICT (model_id) DO UPDATE
                    SET definition = excluded.definition, is_active = excluded.is_active, updated_at = now()`
            break
          case "Routing":
            yield* sql`
              INSERT INTO settings (key, value) VALUES ('routing', ${JSON.stringify(change.routing)}::jsonb)
              ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = now()`
        }
      })
    )
  )

const tooLate = "another gateway changed it at the same moment, so nothing was changed; try again"

/** What the tables have of the entry that a change is about. */
const keptOf = (change: Change, seal: Seal | undefined): Asks<Change["before"]> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    switch (change._tag) {
      case "Instance": {
        const [row] = yield* sql<{ settings: unknown }>`
          SELECT settings FROM providers WHERE slug = ${change.id} AND settings IS NOT NULL`
        return row && entryOf(row.settings, seal)
      }
      case "Model": {
        const [row] = yield* sql<{ definition: unknown }>`
          SELECT definition FROM model_routes WHERE model_id = ${change.id}`
        return row && record(row.definition)
      }
      case "Routing": {
        const [row] = yield* sql<{ value: unknown }>`SELECT value FROM settings WHERE key = 'routing'`
        return routingOf(row?.value)
      }
    }
  })

/** Counts a change, and hints at it to whoever listens. */
const counted = (what: keyof Versions): Asks<void> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`UPDATE versions SET version = version + 1 WHERE name = ${what}`
    yield* sql`SELECT pg_notify('orelse', ${what})`
  })

/** What was changed over the admin API, here or at another replica. */
export const load = (seal: Seal | undefined): Asks<Overlay> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const instances = yield* sql<{ slug: string; settings: unknown }>`
      SELECT slug, settings FROM providers WHERE settings IS NOT NULL ORDER BY id`
    const models = yield* sql<{ model_id: string; definition: unknown }>`
      SELECT model_id, definition FROM model_routes ORDER BY model_id`
    const [routing] = yield* sql<{ value: unknown }>`SELECT value FROM settings WHERE key = 'routing'`
    return {
      instances: new Map(instances.map(({ settings, slug }) => [slug, entryOf(settings, seal)])),
      models: new Map(models.map(({ definition, model_id }) => [model_id, record(definition)])),
      routing: routingOf(routing?.value)
    }
  })

const entryOf = (settings: unknown, seal: Seal | undefined): InstanceEntry => {
  const { apiKey, fields } = record(settings)
  const entry = { fields: record(fields) }
  if (apiKey === null) return { ...entry, apiKey }
  if (!Predicate.isString(apiKey)) return entry
  const opened = isReference(apiKey) ? Redacted.make(apiKey) : seal?.open(apiKey)
  return opened === undefined ? { ...entry, locked: true } : { ...entry, apiKey: opened }
}

/** A name of a variable is no secret, and is kept as it is. */
export const isReference = (key: string): boolean => /^\$\{\w+\}$/.test(key)

const routingOf = (value: unknown): Overlay["routing"] => {
  const { strategy, weights } = record(value)
  const known = strategies.find((each) => each === strategy)
  const numbers = Object.entries(record(weights)).flatMap(([id, weight]) =>
    typeof weight === "number" ? [[id, weight] as const] : []
  )
  return {
    ...(known === undefined ? {} : { strategy: known }),
    ...(Predicate.isRecord(weights) ? { weights: Object.fromEntries(numbers) } : {})
  }
}

const record = (value: unknown): Readonly<Record<string, unknown>> => (Predicate.isReadonlyRecord(value) ? value : {})

/** How many models of an instance are kept. */
export const count = ({ id }: InstanceSettings): Asks<number> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<{ n: number }>`
      SELECT count(*)::int AS n FROM models JOIN providers ON providers.id = provider_id WHERE slug = ${id}`
    return row?.n ?? 0
  })

/** Makes these the models of an instance, in one transaction. What is as it was keeps its row. */
export const replace = (instance: InstanceSettings, rows: ReadonlyArray<ModelRow>): Asks<Changes> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.withTransaction(
      Effect.gen(function* () {
        yield* sql`
          INSERT INTO providers (slug, vendor, name, is_active, priority)
          VALUES (${instance.id}, ${instance.provider}, ${instance.id}, ${instance.enabled}, ${instance.priority})
          ON CONFLICT (slug) DO NOTHING`
        const [provider] = yield* sql<{ id: number }>`
          UPDATE providers SET synced_at = now() WHERE slug = ${instance.id} RETURNING id`
        const id = provider?.id ?? 0
        const given = JSON.stringify(rows)
        const removed = yield* sql`
          DELETE FROM models WHERE provider_id = ${id} AND provider_model_id NOT IN (
            SELECT "providerModelId" FROM jsonb_to_recordset(${given}::jsonb) AS given("providerModelId" text))
          RETURNING id`
        const written = yield* sql<{ added: boolean }>`
          INSERT INTO models (provider_id, model_id, provider_model_id, pricing_prompt, pricing_completion, context_window)
          SELECT ${id}, "modelId", "providerModelId", "promptPrice", "completionPrice", "contextWindow"
            FROM jsonb_to_recordset(${given}::jsonb) AS given(
              "modelId" text, "providerModelId" text, "promptPrice" numeric, "completionPrice" numeric, "contextWindow" integer)
          ON CONFLICT (provider_id, provider_model_id) DO UPDATE
            SET model_id = excluded.model_id, pricing_prompt = excluded.pricing_prompt,
                pricing_completion = excluded.pricing_completion, context_window = excluded.context_window, synced_at = now()
            WHERE (models.model_id, models.pricing_prompt, models.pricing_completion, models.context_window)
              IS DISTINCT FROM
              (excluded.model_id, excluded.pricing_prompt, excluded.pricing_completion, excluded.context_window)
          RETURNING (xmax = 0) AS added`
        const added = written.filter((row) => row.added).length
        const updated = written.length - added
        if (written.length + removed.length > 0) yield* counted("models")
        return { added, updated, removed: removed.length }
      })
    )
  )

/** The models of all instances, in pages: there may be more than a million, and others ask the database meanwhile. */
export const rows: Asks<ReadonlyArray<CatalogRow>> = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const all: Array<CatalogRow> = []
  // Names and prices come again and again; one of each is enough.
  const texts = new Map<string, string>()
  const one = (text: string): string => {
    const known = texts.get(text)
    if (known === undefined) texts.set(text, text)
    return known ?? text
  }
  const price = (text: string | null): string | undefined => (text === null ? undefined : one(text))
  for (let after = 0; ;) {
    const page = yield* sql<Listed>`
      SELECT models.id, model_id, slug AS instance, provider_model_id, pricing_prompt::text AS prompt,
             pricing_completion::text AS completion, context_window, models.is_active
        FROM models JOIN providers ON providers.id = provider_id
       WHERE models.id > ${after} ORDER BY models.id LIMIT ${pageRows}`
    for (const row of page) {
      all.push({
        modelId: one(row.model_id),
        instance: one(row.instance),
        providerModelId: row.provider_model_id,
        promptPrice: price(row.prompt),
        completionPrice: price(row.completion),
        contextWindow: row.context_window ?? undefined,
        active: row.is_active
      })
      after = row.id
    }
    if (page.length < pageRows) return all
  }
})

/** As `pg` gives them: a numeric is text. */
interface Listed {
  readonly id: number
  readonly model_id: string
  readonly instance: string
  readonly provider_model_id: string
  readonly prompt: string | null
  readonly completion: string | null
  readonly context_window: number | null
  readonly is_active: boolean
}

/** A few ms of work. */
const pageRows = 5_000
