-- What operators were told. `subject` is what an alert is about: while one is `current`, no other one about the same is told, by
-- whichever gateway. It ceases to be when what it is about is well again, or when it is due to be repeated.
CREATE TABLE alerts (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  subject text NOT NULL,
  told_at timestamptz NOT NULL,
  repeat_at timestamptz NOT NULL,
  current boolean NOT NULL DEFAULT true,
  -- As it is sent. Nothing in it is secret.
  body jsonb NOT NULL
);
CREATE UNIQUE INDEX alerts_current ON alerts (subject) WHERE current;
CREATE INDEX alerts_by_time ON alerts (told_at, id);

-- Each alert on its way to each webhook. Whoever tries takes the row by moving `next_at` past the time that it needs.
CREATE TABLE alert_deliveries (
  alert_id uuid NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
  -- The host of the webhook and a part of a hash of its address, which is a secret and never here.
  target text NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  next_at timestamptz NOT NULL,
  delivered_at timestamptz,
  failed_at timestamptz,
  problem text,
  PRIMARY KEY (alert_id, target)
);
CREATE INDEX alert_deliveries_due ON alert_deliveries (target, next_at) WHERE delivered_at IS NULL AND failed_at IS NULL;
