/**
 * A row of `ledger_entries`: a call to a provider that it may bill, or an answer out of the cache. Money is USD as a decimal, and null is
 * unknown; times are ISO 8601. Tokens are in disjoint buckets.
 */
export interface LedgerEntry extends LedgerIntent {
  readonly ended_at: string
  readonly outcome: "success" | "failure" | "cancelled" | "hit"
  /** Of the failure. */
  readonly category: string | null
  readonly ms: number
  readonly input_tokens: number | null
  readonly cache_read_tokens: number | null
  readonly cache_write_tokens: number | null
  readonly cache_write_1h_tokens: number | null
  readonly input_audio_tokens: number | null
  readonly output_tokens: number | null
  readonly reasoning_tokens: number | null
  readonly output_audio_tokens: number | null
  /** Did the provider say so, or was it counted here? */
  readonly usage_source: "reported" | "estimated" | null
  readonly cost_usd: string | null
  /** What a hit would have cost. */
  readonly saved_usd: string | null
}

/** What is known of a call before it is made. */
export interface LedgerIntent {
  /** A UUID of its own. */
  readonly id: string
  readonly request_id: string | null
  readonly timestamp: string
  readonly tenant: string
  readonly user: string | null
  /** Id of the caller's gateway key. */
  readonly key: string | null
  readonly instance: string
  /** Vendor slug. */
  readonly provider: string
  /** Canonical name of what was asked for. */
  readonly model: string
  /** The provider's own id. */
  readonly provider_model_id: string
  readonly stream: boolean
  /** What it may cost at most, where a hard budget asks. */
  readonly reserved_usd: string | null
}
