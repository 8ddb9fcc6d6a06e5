import type { LedgerEntry } from "../../src/ledger/LedgerEntry.js"
import type * as Rollup from "../../src/ledger/Rollup.js"

/** A call that succeeded, of which nothing is remarkable. */
export const entry = (more: Partial<LedgerEntry> = {}): LedgerEntry => ({
  id: "00000000-0000-4000-8000-000000000000",
  request_id: "r",
  timestamp: "2026-11-21T10:07:59.999Z",
  ended_at: "2026-11-21T10:08:01.000Z",
  tenant: "default",
  user: null,
  key: null,
  instance: "primary",
  provider: "openai",
  model: "gpt-4o",
  provider_model_id: "gpt-4o-2026",
  stream: false,
  reserved_usd: null,
  outcome: "success",
  category: null,
  ms: 100,
  input_tokens: 10,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  cache_write_1h_tokens: null,
  input_audio_tokens: null,
  output_tokens: 5,
  reasoning_tokens: 0,
  output_audio_tokens: null,
  usage_source: "reported",
  cost_usd: "0.000039",
  saved_usd: null,
  ...more
})

/** An answer out of the cache. */
export const hit = (more: Partial<LedgerEntry> = {}): LedgerEntry =>
  entry({ outcome: "hit", cost_usd: "0", saved_usd: "0.5", ...more })

/** Without the names of what they are of. */
export const figuresOf = ({ calls, ...more }: Rollup.Figures): Rollup.Figures => ({
  calls,
  successes: more.successes,
  failures: more.failures,
  cancelled: more.cancelled,
  hits: more.hits,
  unpriced: more.unpriced,
  input_tokens: more.input_tokens,
  output_tokens: more.output_tokens,
  cost_usd: more.cost_usd,
  saved_usd: more.saved_usd,
  ms: more.ms
})
