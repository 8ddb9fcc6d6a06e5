import * as Schema from "effect/Schema"

/** What `DELETE /admin/events?older_than=30d` has taken away. */
export const PrunedBody = Schema.Struct({
  events: Schema.Int,
  /** Of the history of models' health. */
  samples: Schema.Int,
  requests: Schema.Int
}).annotations({ identifier: "Pruned" })
export type PrunedBody = typeof PrunedBody.Type

/** An age: `30d` or `12h`. */
export const PruneParams = Schema.Struct({ older_than: Schema.String })
