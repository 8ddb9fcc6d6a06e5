-- One row for every call that a provider could bill, also one that failed, was cancelled or lost a race, and for every answer out of
-- the cache. It is `open` from before the call is made until it is over; `lost` is one of a gateway that died meanwhile, which
-- costs what was reserved for it. Money is in USD, exact; null is unknown. Tokens are in disjoint buckets.
CREATE TABLE ledger_entries (
  id uuid PRIMARY KEY,
  request_id text,
  timestamp timestamptz NOT NULL,
  ended_at timestamptz,
  -- The journal of the gateway that made the call.
  run uuid,
  tenant text NOT NULL,
  "user" text,
  key text,
  instance text NOT NULL,
  provider text NOT NULL,
  -- The canonical name of what was asked for, and the provider's own id.
  model text NOT NULL,
  provider_model_id text NOT NULL,
  stream boolean NOT NULL DEFAULT false,
  outcome text NOT NULL CHECK (outcome IN ('open', 'success', 'failure', 'cancelled', 'lost', 'hit')),
  category text,
  ms double precision CHECK (ms >= 0),
  input_tokens bigint CHECK (input_tokens >= 0),
  cache_read_tokens bigint CHECK (cache_read_tokens >= 0),
  cache_write_tokens bigint CHECK (cache_write_tokens >= 0),
  cache_write_1h_tokens bigint CHECK (cache_write_1h_tokens >= 0),
  input_audio_tokens bigint CHECK (input_audio_tokens >= 0),
  output_tokens bigint CHECK (output_tokens >= 0),
  reasoning_tokens bigint CHECK (reasoning_tokens >= 0),
  output_audio_tokens bigint CHECK (output_audio_tokens >= 0),
  usage_source text CHECK (usage_source IN ('reported', 'estimated')),
  cost_usd numeric CHECK (cost_usd >= 0),
  -- What a hit would have cost.
  saved_usd numeric CHECK (saved_usd >= 0),
  reserved_usd numeric CHECK (reserved_usd >= 0)
);
CREATE INDEX ledger_entries_by_request ON ledger_entries (request_id);
CREATE INDEX ledger_entries_by_time ON ledger_entries (timestamp);
CREATE INDEX ledger_entries_open ON ledger_entries (run) WHERE outcome = 'open';

-- Sums of the rows above by quarters of an hour, so that a day of every time zone is a whole number of them. They grow in the
-- transaction that closes a row. `dimension` says what `value` is: of 'global' it is empty.
CREATE TABLE ledger_rollups (
  dimension text NOT NULL CHECK (dimension IN ('global', 'provider', 'instance', 'model', 'user', 'key')),
  value text NOT NULL,
  bucket timestamptz NOT NULL,
  calls bigint NOT NULL DEFAULT 0,
  successes bigint NOT NULL DEFAULT 0,
  failures bigint NOT NULL DEFAULT 0,
  -- Neither: the caller hung up, another one was faster, or the gateway died.
  cancelled bigint NOT NULL DEFAULT 0,
  hits bigint NOT NULL DEFAULT 0,
  -- Calls whose cost nobody knows.
  unpriced bigint NOT NULL DEFAULT 0,
  input_tokens bigint NOT NULL DEFAULT 0,
  output_tokens bigint NOT NULL DEFAULT 0,
  cost_usd numeric NOT NULL DEFAULT 0,
  saved_usd numeric NOT NULL DEFAULT 0,
  -- Of the successes, together.
  ms double precision NOT NULL DEFAULT 0,
  PRIMARY KEY (dimension, value, bucket)
);
CREATE INDEX ledger_rollups_by_time ON ledger_rollups (dimension, bucket);

-- Limits that were set over the admin API, in the form of the config file; they lie on top of it.
CREATE TABLE budgets (
  scope text PRIMARY KEY CHECK (scope <> ''),
  definition jsonb NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- What each gateway may spend of a hard budget without asking again. What is spent and what is leased never exceed the limit
-- together. A row of the ledger takes its cost out of its gateway's lease in the transaction that closes it.
CREATE TABLE budget_leases (
  scope text NOT NULL,
  -- The journal of the gateway that holds it.
  run uuid NOT NULL,
  -- Less than nothing where a call has cost more than was kept for it.
  leased_usd numeric NOT NULL,
  -- Of that, what calls under way may cost.
  reserved_usd numeric NOT NULL DEFAULT 0 CHECK (reserved_usd >= 0),
  expires_at timestamptz NOT NULL,
  -- Found past its time: what its gateway has spent of it may still be on its way.
  doubted_at timestamptz,
  PRIMARY KEY (scope, run)
);

-- Which alert of which budget was told, so that each is told once in its period.
CREATE TABLE budget_alerts (
  scope text NOT NULL,
  period text NOT NULL CHECK (period IN ('daily', 'weekly', 'monthly')),
  period_start timestamptz NOT NULL,
  threshold integer NOT NULL,
  told_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (scope, period, period_start, threshold)
);

