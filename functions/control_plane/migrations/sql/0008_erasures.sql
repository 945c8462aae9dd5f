-- Erasures: which executions have lost their payloads, by which execution, and how far that has come.
-- `rewritten_at`: no object of the manifest holds them any more; `done_at`: the bucket doesn't, either.
-- The state at `last_version` is kept; that of the versions from `first_version` on before it is gone.
CREATE TABLE erasures (
  org_id        uuid NOT NULL,
  project_id    uuid NOT NULL,
  seq           bigint NOT NULL,
  at            timestamptz NOT NULL,
  first_seq     bigint NOT NULL,
  last_seq      bigint NOT NULL,
  first_version bigint,
  last_version  bigint,
  rewritten_at  timestamptz,
  done_at       timestamptz,
  PRIMARY KEY (project_id, seq),
  CHECK (0 < first_seq AND first_seq <= last_seq AND last_seq < seq),
  FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id)
);
CREATE INDEX erasures_due ON erasures (at) WHERE done_at IS NULL;

ALTER TABLE erasures ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasures FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON erasures TO chat_agent_app
  USING (org_id = nullif(current_setting('app.org', true), '')::uuid);
CREATE POLICY migrator ON erasures TO chat_agent_owner USING (true);
CREATE POLICY archiver ON erasures TO chat_agent_archiver USING (true);
-- Of the states, the archiver sees only those that it must keep beside the archive.
CREATE POLICY archiver ON checkpoints FOR SELECT TO chat_agent_archiver USING (EXISTS (
  SELECT FROM erasures e
  WHERE e.project_id = checkpoints.project_id AND e.last_version = checkpoints.version));
GRANT SELECT ON erasures TO chat_agent_app;
GRANT UPDATE (kept) ON checkpoints TO chat_agent_app;
GRANT SELECT ON erasures, checkpoints TO chat_agent_archiver;
GRANT UPDATE (rewritten_at, done_at) ON erasures TO chat_agent_archiver;
GRANT UPDATE (key, version_id, sha256, size) ON archives TO chat_agent_archiver;
GRANT UPDATE (byte_offset, byte_length) ON archive_ranges TO chat_agent_archiver;

-- Whether an erasure takes an action's payload: not that of administration, which a restore needs and
-- which names people by ids alone; but of what changes states, and of what people say to requests.
CREATE FUNCTION erasable(action text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT action NOT LIKE 'project.%'
    OR action IN ('project.revert', 'project.migrate', 'project.approval.decide',
      'project.approval.withdraw')
$$;

-- Take payloads and salts away, and write down that it was done. The application can't update or
-- delete executions; this is all that it can do to them, in its own tenant, only together with an
-- execution that says so: else the transaction fails.
CREATE FUNCTION erase_payloads(p_project uuid, p_at timestamptz, effect json) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  tenant uuid := nullif(current_setting('app.org', true), '')::uuid;
BEGIN
  INSERT INTO erasures (org_id, project_id, seq, at, first_seq, last_seq, first_version, last_version)
  VALUES (tenant, p_project, (effect->>'seq')::bigint, p_at, (effect->>'first_seq')::bigint,
    (effect->>'last_seq')::bigint, (effect->>'first_version')::bigint,
    (effect->>'last_version')::bigint);
  UPDATE executions SET payload = NULL, salt = NULL
    WHERE org_id = tenant AND project_id = p_project AND erasable(action)
      AND seq BETWEEN (effect->>'first_seq')::bigint AND (effect->>'last_seq')::bigint;
END $$;

CREATE FUNCTION refuse_unrecorded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM executions WHERE project_id = NEW.project_id AND seq = NEW.seq
      AND action = 'project.erase' AND status = 'success')
    AND NOT EXISTS (SELECT FROM projects WHERE id = NEW.project_id AND archived_seq >= NEW.seq) THEN
    RAISE EXCEPTION 'no execution records this erasure' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER erasures_are_recorded AFTER INSERT ON erasures
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_unrecorded();

-- What a repeated request is answered, without any payload: one execution, a plan's, or a problem's.
CREATE FUNCTION without_payloads(answer jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN CASE
    WHEN answer ? 'executions' THEN answer || jsonb_build_object('executions', (
      SELECT jsonb_agg(without_payloads(e)) FROM jsonb_array_elements(answer->'executions') e))
    WHEN answer ? 'execution' THEN answer || jsonb_build_object(
      'execution', without_payloads(answer->'execution'), 'preview', '{"erased": true}'::jsonb)
    ELSE answer - '{inputs,diff,message,facts,origin}'::text[] || '{"erased": true}' END;
END $$;

-- Erase: payloads, and every other copy that the database has of them. Called as `carry_out` is.
CREATE FUNCTION erase(p_org uuid, p_project uuid, p_at timestamptz, effect json) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  first bigint := effect->>'first_seq';
  last bigint := effect->>'last_seq';
  kept json := effect->'checkpoint';
BEGIN
  PERFORM erase_payloads(p_project, p_at, effect);
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

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erasable(text), erase_payloads(uuid, timestamptz, json),
  erase(uuid, uuid, timestamptz, json), without_payloads(jsonb), refuse_unrecorded()
  TO chat_agent_app;
