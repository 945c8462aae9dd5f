-- A message that a recovery holds is due at no time: it may have been delivered after the moment that the
-- database was set back to. Whoever claims what is due by `next_at` honours that without knowing of it.
ALTER TABLE outbox ADD COLUMN held_at timestamptz,
  ADD CONSTRAINT held_is_never_due CHECK (held_at IS NULL OR next_at = 'infinity');

DROP INDEX outbox_oldest;
CREATE INDEX outbox_oldest ON outbox (at) WHERE delivered_at IS NULL AND held_at IS NULL;
CREATE INDEX outbox_held ON outbox (held_at) WHERE held_at IS NOT NULL;

-- Seconds since the oldest message was sent that is neither delivered nor held, of all tenants.
CREATE OR REPLACE FUNCTION outbox_lag() RETURNS double precision
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce(extract(epoch FROM chat_agent_clock() - min(at)), 0)::double precision
  FROM outbox WHERE delivered_at IS NULL AND held_at IS NULL
$$;
