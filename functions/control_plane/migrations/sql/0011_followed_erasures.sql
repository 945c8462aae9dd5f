-- A database that was set back follows erasures that it doesn't know: what they do is now two things.

-- Every copy of a range's payloads that the database has beside its executions.
CREATE FUNCTION forget_copies(p_project uuid, effect json) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  first bigint := effect->>'first_seq';
  last bigint := effect->>'last_seq';
BEGIN
  -- A key's answer came about with its execution, or was given to a request that had waited.
  UPDATE idempotency_keys SET answer = without_payloads(answer::jsonb)::text
    WHERE project_id = p_project AND answer <> 'null'
      AND (at BETWEEN (effect->>'first_at')::timestamptz AND (effect->>'last_at')::timestamptz
        OR (principal_id, request_id) IN (
          SELECT request::json->'principal'->>'id', request::json->>'request_id' FROM approvals
          WHERE project_id = p_project AND seq = ANY (texts(effect->'about')::bigint[])))
      AND jsonb_path_exists(answer::jsonb, '$.**{0 to 3}.seq ? (@ >= $first && @ <= $last)',
        jsonb_build_object('first', first, 'last', last));
  DELETE FROM approvals WHERE project_id = p_project AND seq BETWEEN first AND last;
  DELETE FROM outbox WHERE project_id = p_project AND seq BETWEEN first AND last;
  DELETE FROM checkpoints WHERE project_id = p_project
    AND version >= (effect->>'first_version')::bigint AND version < (effect->>'last_version')::bigint;
END $$;

-- Erase: payloads, and every other copy that the database has of them. Called as `carry_out` is.
CREATE OR REPLACE FUNCTION erase(p_org uuid, p_project uuid, p_at timestamptz, effect json)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  kept json := effect->'checkpoint';
BEGIN
  PERFORM erase_payloads(p_project, p_at, effect);
  PERFORM forget_copies(p_project, effect);
  -- Unless another erasure, of executions on both sides of it, has been faster.
  -- It is kept for good: nothing else leads past what was erased.
  INSERT INTO checkpoints (org_id, project_id, version, at, state, schemas, seq, kept)
  SELECT p_org, p_project, (kept->>'version')::bigint, (kept->>'at')::timestamptz, kept->>'state',
    kept->>'schemas', (kept->>'seq')::bigint, true
  WHERE kept->>'version' IS NOT NULL AND NOT EXISTS (
    SELECT FROM erasures WHERE project_id = p_project
      AND first_version <= (kept->>'version')::bigint AND (kept->>'version')::bigint < last_version)
  ON CONFLICT (project_id, version) DO UPDATE SET kept = true;
END $$;

REVOKE EXECUTE ON FUNCTION forget_copies(uuid, json) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_copies(uuid, json) TO chat_agent_app;
