import * as SqlClient from "@effect/sql/SqlClient"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { migrated } from "../support/database.js"

/** A server is given the size that was promised; the embedded one a part of it, on which plans are the same. */
const isServer = (process.env["TEST_DATABASE_URL"] ?? "") !== ""
const [providers, models] = isServer ? [300, 5_000] : [30, 500]
const events = 20_000

const filled = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`INSERT INTO providers (slug, vendor, name) SELECT 'p' || p, 'openai', 'p' || p FROM generate_series(1, ${providers}::int) p`
  yield* sql`
    INSERT INTO models (model_id, provider_id, provider_model_id, pricing_prompt, pricing_completion, context_window)
    SELECT 'm' || m, providers.id, 'v/m' || m, 0.15, 0.6, 128000 FROM generate_series(1, ${models}::int) m, providers`
  yield* sql`
    INSERT INTO model_health_tracking (provider, model, success_count, average_response_time_ms, last_checked_at)
    SELECT 'p' || (n % ${providers}::int + 1), 'v/m' || n, 1, 100, now() FROM generate_series(1, ${events}::int) n`
  yield* sql`
    INSERT INTO model_health_history (provider, model, health_status, response_time_ms, checked_at)
    SELECT 'p' || (n % ${providers}::int + 1), 'v/m' || (n % 100), 'healthy', 100, now() - n * interval '1 minute'
      FROM generate_series(1, ${events}::int) n`
  yield* sql`
    INSERT INTO failover_events (timestamp, provider, instance, event_type)
    SELECT now() - n * interval '1 minute', 'openai', 'p' || (n % ${providers}::int + 1),
           CASE WHEN n % 1000 = 0 THEN 'key_out' ELSE 'failover' END
      FROM generate_series(1, ${events}::int) n`
  yield* sql`
    INSERT INTO requests (id, timestamp, path, status, ms)
    SELECT 'r' || n, now() - n * interval '1 minute', '/v1/chat/completions', 200, 1 FROM generate_series(1, ${events}::int) n`
  yield* sql`
    INSERT INTO circuit_states (instance, scope, model, circuit, changed_at, version)
    SELECT 'p' || (n % ${providers}::int + 1), 'model', 'v/m' || n, 'closed', now(), n FROM generate_series(1, ${events}::int) n`
  yield* sql`ANALYZE`
})

interface Node {
  readonly "Node Type": string
  readonly "Relation Name"?: string
  readonly Plans?: ReadonlyArray<Node>
}

const nodes = (node: Node): ReadonlyArray<Node> => [node, ...(node.Plans ?? []).flatMap(nodes)]

/** What a query reads without an index. Of providers there are few. */
const readWhole = (query: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<{
      "QUERY PLAN": ReadonlyArray<{ readonly Plan: Node }>
    }>`EXPLAIN (FORMAT JSON) ${sql.literal(query)}`
    const plan = row?.["QUERY PLAN"][0]?.Plan ?? assert.fail("there is no plan")
    return nodes(plan).flatMap((each) =>
      each["Node Type"] === "Seq Scan" && each["Relation Name"] !== "providers" ? [each["Relation Name"]] : []
    )
  })

const eventsWhere = (wanted: string) =>
  `SELECT * FROM failover_events WHERE ${wanted} ORDER BY timestamp DESC, id DESC LIMIT 100`

/** What the code asks of tables that grow, by what it asks about. */
const queries = {
  "a model at all providers": `SELECT slug, provider_model_id FROM models JOIN providers ON providers.id = provider_id
    WHERE model_id = 'm7'`,
  "a model at one provider": `SELECT provider_model_id FROM models JOIN providers ON providers.id = provider_id
    WHERE model_id = 'm7' AND slug = 'p7'`,
  "a provider's own id": `SELECT model_id FROM models JOIN providers ON providers.id = provider_id
    WHERE provider_model_id = 'v/m7' AND slug = 'p7'`,
  "the number of an instance's models": `SELECT count(*) FROM models JOIN providers ON providers.id = provider_id WHERE slug = 'p7'`,
  "a page of all models": `SELECT models.id, model_id, slug FROM models JOIN providers ON providers.id = provider_id
    WHERE models.id > 1000 ORDER BY models.id LIMIT 100`,
  "models that are gone from a list": `DELETE FROM models WHERE provider_id = 7 AND provider_model_id NOT IN (
    SELECT "providerModelId" FROM jsonb_to_recordset('[]'::jsonb) AS given("providerModelId" text))`,
  "how sampled models are": `UPDATE models SET health_status = given.health_status
    FROM jsonb_to_recordset('[{"instance":"p7","model":"v/m7","health_status":"healthy"}]'::jsonb) AS given(
      instance text, model text, health_status text)
    JOIN providers ON providers.slug = given.instance
    WHERE models.provider_id = providers.id AND models.provider_model_id = given.model`,
  "calls to a model of an instance": "SELECT * FROM model_health_tracking WHERE provider = 'p7' AND model = 'v/m7'",
  "the history of a model": `SELECT * FROM model_health_history WHERE provider = 'p7' AND model = 'v/m7'
    ORDER BY checked_at DESC LIMIT 100`,
  "the latest events": eventsWhere("1=1"),
  "events since a time": eventsWhere("timestamp >= now() - interval '1 hour'"),
  "events of an instance": eventsWhere("instance = 'p7'"),
  "events of an instance of a kind": eventsWhere("instance = 'p7' AND event_type = 'failover'"),
  "events of a rare kind": eventsWhere("event_type = 'key_out'"),
  "events of a kind that there is not": eventsWhere("event_type = 'nothing'"),
  "one request": "SELECT * FROM requests WHERE id = 'r7'",
  "circuits since a version": `SELECT * FROM circuit_states WHERE version > ${events - 10}`,
  "old events": "DELETE FROM failover_events WHERE timestamp < now() - interval '13 days'",
  "old samples": "DELETE FROM model_health_history WHERE checked_at < now() - interval '13 days'",
  "old requests": "DELETE FROM requests WHERE timestamp < now() - interval '13 days'"
}

const full = Layer.tap(migrated, (context) => Effect.orDie(Effect.provide(filled, context)))

layer(Layer.orDie(full), { timeout: "3 minutes" })(
  `an index, of ${providers} providers of ${models} models each, finds`,
  (it) => {
    for (const [what, query] of Object.entries(queries)) {
      it.effect(what, () => Effect.map(readWhole(query), (found) => assert.deepStrictEqual(found, [])))
    }
  }
)
