-- One row an instance: an account or endpoint of a vendor. `settings` is there for those that were made or changed over
-- the admin API, in the form of the config file and with its key sealed.
CREATE TABLE providers (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  slug text NOT NULL UNIQUE CHECK (slug <> ''),
  vendor text NOT NULL,
  name text NOT NULL,
  health_status text NOT NULL DEFAULT 'unknown'
    CHECK (health_status IN ('unknown', 'healthy', 'degraded', 'recovering', 'unhealthy')),
  average_response_time_ms double precision CHECK (average_response_time_ms >= 0),
  is_active boolean NOT NULL DEFAULT true,
  priority integer NOT NULL DEFAULT 1,
  source text NOT NULL DEFAULT 'config' CHECK (source IN ('config', 'api')),
  settings jsonb,
  synced_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- A model as one provider has it. `model_id` is its canonical name, the same at every provider; prices are USD per million
-- tokens, and null where nobody knows.
CREATE TABLE models (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  model_id text NOT NULL CHECK (model_id <> ''),
  provider_id integer NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
  provider_model_id text NOT NULL CHECK (provider_model_id <> ''),
  pricing_prompt numeric CHECK (pricing_prompt >= 0),
  pricing_completion numeric CHECK (pricing_completion >= 0),
  context_window integer CHECK (context_window > 0),
  health_status text NOT NULL DEFAULT 'unknown'
    CHECK (health_status IN ('unknown', 'healthy', 'degraded', 'recovering', 'unhealthy')),
  average_response_time_ms double precision CHECK (average_response_time_ms >= 0),
  is_active boolean NOT NULL DEFAULT true,
  synced_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (provider_id, provider_model_id)
);
CREATE INDEX models_by_model ON models (model_id, provider_id);

-- Models that were made over the admin API: a chain of targets in the form of the config file.
CREATE TABLE model_routes (
  model_id text PRIMARY KEY CHECK (model_id <> ''),
  definition jsonb NOT NULL,
  is_active boolean NOT NULL DEFAULT true,
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- What else was changed over the admin API: `routing` holds the strategy and the weights.
CREATE TABLE settings (
  key text PRIMARY KEY,
  value jsonb NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- Grows with every change of what it names, so that a replica that polls sees that there is something new: `catalog` with
-- changes over the admin API, `models` with lists of models, which are long and are not read again for anything else.
CREATE TABLE versions (
  name text PRIMARY KEY,
  version bigint NOT NULL DEFAULT 1
);
INSERT INTO versions (name) VALUES ('catalog'), ('circuits'), ('models');

-- The circuits that are not as new, the newest state of each.
CREATE TABLE circuit_states (
  instance text NOT NULL,
  scope text NOT NULL CHECK (scope IN ('key', 'instance', 'model')),
  model text NOT NULL DEFAULT '',
  circuit text NOT NULL CHECK (circuit IN ('closed', 'open', 'half_open')),
  forced text NOT NULL DEFAULT 'auto' CHECK (forced IN ('auto', 'open', 'closed')),
  forced_at timestamptz,
  consecutive_failures integer NOT NULL DEFAULT 0 CHECK (consecutive_failures >= 0),
  openings integer NOT NULL DEFAULT 0 CHECK (openings >= 0),
  retry_at timestamptz,
  changed_at timestamptz NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (instance, scope, model)
);
CREATE INDEX circuit_states_by_version ON circuit_states (version);

-- Calls to a model of a provider since they were first counted. `model` is the provider's own id, and need not be in `models`.
CREATE TABLE model_health_tracking (
  provider text NOT NULL REFERENCES providers (slug) ON UPDATE CASCADE ON DELETE CASCADE,
  model text NOT NULL CHECK (model <> ''),
  success_count bigint NOT NULL DEFAULT 0 CHECK (success_count >= 0),
  error_count bigint NOT NULL DEFAULT 0 CHECK (error_count >= 0),
  average_response_time_ms double precision CHECK (average_response_time_ms >= 0),
  last_checked_at timestamptz NOT NULL,
  PRIMARY KEY (provider, model)
);

CREATE TABLE model_health_history (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  provider text NOT NULL REFERENCES providers (slug) ON UPDATE CASCADE ON DELETE CASCADE,
  model text NOT NULL,
  health_status text NOT NULL
    CHECK (health_status IN ('unknown', 'healthy', 'degraded', 'recovering', 'unhealthy')),
  response_time_ms double precision CHECK (response_time_ms >= 0),
  checked_at timestamptz NOT NULL
);
CREATE INDEX model_health_history_by_model ON model_health_history (provider, model, checked_at);
CREATE INDEX model_health_history_by_time ON model_health_history (checked_at);

-- Every transition and failover. Rows outlive the providers that they tell of.
CREATE TABLE failover_events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  timestamp timestamptz NOT NULL,
  provider text NOT NULL,
  instance text NOT NULL,
  event_type text NOT NULL CHECK (event_type <> ''),
  scope text,
  model text,
  consecutive_failures integer NOT NULL DEFAULT 0,
  next_retry_secs integer,
  to_instance text,
  request_id text,
  reason text
);
CREATE INDEX failover_events_by_time ON failover_events (timestamp, id);
CREATE INDEX failover_events_by_instance ON failover_events (instance, timestamp, id);
CREATE INDEX failover_events_by_type ON failover_events (event_type, timestamp, id);

-- What was asked and who answered; never what was said.
CREATE TABLE requests (
  id text PRIMARY KEY,
  timestamp timestamptz NOT NULL,
  tenant text,
  "user" text,
  path text NOT NULL,
  status integer NOT NULL,
  ms double precision NOT NULL CHECK (ms >= 0),
  model text,
  instance text,
  provider text,
  provider_model_id text,
  stream boolean NOT NULL DEFAULT false,
  fallback boolean NOT NULL DEFAULT false,
  failure text,
  input_tokens bigint,
  output_tokens bigint,
  cost_usd numeric,
  attempts jsonb NOT NULL DEFAULT '[]'
);
CREATE INDEX requests_by_time ON requests (timestamp);

-- How much of each gateway's journal is in the tables above: it grows in the same transaction.
CREATE TABLE journals (
  id uuid PRIMARY KEY,
  position bigint NOT NULL CHECK (position >= 0),
  updated_at timestamptz NOT NULL DEFAULT now()
);
