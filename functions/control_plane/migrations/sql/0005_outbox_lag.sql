-- How long the oldest message has been waiting, for health checks and operators.

CREATE INDEX outbox_oldest ON outbox (at) WHERE delivered_at IS NULL;

-- Seconds since the oldest undelivered message was sent, of all tenants; 0 where none waits. Looks
-- across tenants as the schema's owner, and sees nothing but an age.
CREATE FUNCTION outbox_lag() RETURNS double precision
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce(extract(epoch FROM chat_agent_clock() - min(at)), 0)::double precision
  FROM outbox WHERE delivered_at IS NULL
$$;

REVOKE EXECUTE ON FUNCTION outbox_lag() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox_lag() TO chat_agent_app;
