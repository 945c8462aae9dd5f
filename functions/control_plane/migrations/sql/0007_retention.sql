-- What is kept how long, and why: here and nowhere else. Executions aren't here: they are archived.
-- The reasons stand in docs/archive.md as well, which a test keeps the same.
CREATE FUNCTION retention() RETURNS TABLE (kind text, kept interval, reason text)
LANGUAGE sql IMMUTABLE AS $$ VALUES
  ('idempotency keys', interval '7 days', 'a request may be repeated for a week'),
  ('sessions', interval '0', 'one that has ended opens nothing'),
  ('sign-in links', interval '0', 'one that has run out opens nothing'),
  ('login attempts', interval '1 day', 'the longest wait is a minute; a day later nobody is guessing'),
  ('delivered messages', interval '7 days', 'a receiver may ask what it was sent last week'),
  ('rates', interval '1 hour', 'a window that is over limits nothing; an hour for slow clocks'),
  ('daily counters', interval '35 days', 'the forecast looks at seven; a month for whoever looks back'),
  ('checkpoints', interval '90 days', 'after that, one every 1,024 versions: the most diffs to fold'),
  ('closed requests', interval '90 days', 'what was asked and decided stays in the log for good')
$$;

-- A checkpoint that is kept for good: old, and the first of its 1,024 versions.
ALTER TABLE checkpoints ADD COLUMN kept boolean NOT NULL DEFAULT false;
CREATE INDEX checkpoints_at ON checkpoints (at) WHERE NOT kept;
CREATE INDEX sessions_expires_at ON sessions (expires_at);
CREATE INDEX sign_in_links_expires_at ON sign_in_links (expires_at);
CREATE INDEX outbox_delivered_at ON outbox (delivered_at) WHERE delivered_at IS NOT NULL;
CREATE INDEX approvals_closed_at ON approvals (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX usage_rates_end ON usage (ends_at) WHERE counter LIKE 'rate.%';
CREATE INDEX usage_days_end ON usage (ends_at) WHERE counter NOT LIKE 'rate.%';
DROP INDEX usage_ends_at;

-- Forget at most so many rows of one kind, the oldest first, whosever they are: as the schema's owner,
-- for no caller chooses how long. Answers how many were looked at; fewer than asked for: it is done.
CREATE FUNCTION forget(p_kind text, p_limit integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  before timestamptz := chat_agent_clock() - (SELECT r.kept FROM retention() r WHERE r.kind = p_kind);
  done bigint;
BEGIN
  CASE p_kind
    WHEN 'idempotency keys' THEN
      DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM idempotency_keys WHERE at < before ORDER BY at LIMIT p_limit));
    WHEN 'sessions' THEN
      DELETE FROM sessions WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM sessions WHERE expires_at < before ORDER BY expires_at LIMIT p_limit));
    WHEN 'sign-in links' THEN
      DELETE FROM sign_in_links WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM sign_in_links WHERE expires_at < before ORDER BY expires_at LIMIT p_limit));
    WHEN 'login attempts' THEN
      DELETE FROM login_attempts WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM login_attempts WHERE retry_at < before ORDER BY retry_at LIMIT p_limit));
    WHEN 'delivered messages' THEN
      DELETE FROM outbox WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM outbox WHERE delivered_at < before ORDER BY delivered_at LIMIT p_limit));
    WHEN 'rates' THEN
      DELETE FROM usage WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM usage WHERE counter LIKE 'rate.%' AND ends_at < before
        ORDER BY ends_at LIMIT p_limit));
    WHEN 'daily counters' THEN
      DELETE FROM usage WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM usage WHERE counter NOT LIKE 'rate.%' AND ends_at < before
        ORDER BY ends_at LIMIT p_limit));
    WHEN 'checkpoints' THEN
      RETURN thin_checkpoints(before, p_limit);
    WHEN 'closed requests' THEN
      DELETE FROM approvals WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM approvals WHERE closed_at < before ORDER BY closed_at LIMIT p_limit));
  END CASE;
  GET DIAGNOSTICS done = ROW_COUNT;
  RETURN done;
END $$;

-- Of old checkpoints, the first of each 1,024 versions is marked as kept, the others go.
CREATE FUNCTION thin_checkpoints(p_before timestamptz, p_limit integer) RETURNS bigint
LANGUAGE sql VOLATILE AS $$
  WITH old AS (
    SELECT c.project_id, c.version, EXISTS (
      SELECT FROM checkpoints k WHERE k.project_id = c.project_id
        AND k.version < c.version AND k.version >= c.version / 1024 * 1024) AS spare
    FROM checkpoints c WHERE NOT c.kept AND c.at < p_before ORDER BY c.at LIMIT p_limit
  ), gone AS (
    DELETE FROM checkpoints c USING old
    WHERE old.spare AND c.project_id = old.project_id AND c.version = old.version
  ), marked AS (
    UPDATE checkpoints c SET kept = true FROM old
    WHERE NOT old.spare AND c.project_id = old.project_id AND c.version = old.version
  )
  SELECT count(*) FROM old
$$;

DROP FUNCTION forget_usage();
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT EXECUTE ON FUNCTION retention(), forget(text, integer) TO chat_agent_app;
