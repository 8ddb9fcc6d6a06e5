-- The same sums by days of UTC. Who asks for the sums of many values over weeks, as for the users who cost most, reads a day in one
-- row a value where the quarters of an hour are up to 96; of those only what is missing, or too much, at both ends is read. Both
-- tables grow in one statement, and must agree.
CREATE TABLE ledger_rollups_daily (
  dimension text NOT NULL CHECK (dimension IN ('global', 'provider', 'instance', 'model', 'user', 'key')),
  value text NOT NULL,
  -- When the day begins.
  bucket timestamptz NOT NULL,
  calls bigint NOT NULL DEFAULT 0,
  successes bigint NOT NULL DEFAULT 0,
  failures bigint NOT NULL DEFAULT 0,
  cancelled bigint NOT NULL DEFAULT 0,
  hits bigint NOT NULL DEFAULT 0,
  unpriced bigint NOT NULL DEFAULT 0,
  input_tokens bigint NOT NULL DEFAULT 0,
  output_tokens bigint NOT NULL DEFAULT 0,
  cost_usd numeric NOT NULL DEFAULT 0,
  saved_usd numeric NOT NULL DEFAULT 0,
  ms double precision NOT NULL DEFAULT 0,
  PRIMARY KEY (dimension, value, bucket)
);
CREATE INDEX ledger_rollups_daily_by_time ON ledger_rollups_daily (dimension, bucket);

INSERT INTO ledger_rollups_daily
SELECT dimension, value, date_bin('1 day', bucket, timestamptz 'epoch'), sum(calls), sum(successes), sum(failures), sum(cancelled),
       sum(hits), sum(unpriced), sum(input_tokens), sum(output_tokens), sum(cost_usd), sum(saved_usd), sum(ms)
  FROM ledger_rollups GROUP BY 1, 2, 3;
