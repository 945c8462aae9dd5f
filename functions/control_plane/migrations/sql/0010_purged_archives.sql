-- A purge takes what is archived, too: to the archiver it is an erasure of all before it, and of every
-- state that another one has kept. What is still in the database goes as it did, with the next run.
CREATE FUNCTION erase_archived(p_project uuid, p_at timestamptz, p_seq bigint) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  INSERT INTO erasures (org_id, project_id, seq, at, first_seq, last_seq, first_version, last_version)
  SELECT org_id, id, p_seq, p_at, 1, p_seq - 1, 0, version + 1 FROM projects
  WHERE id = p_project AND org_id = nullif(current_setting('app.org', true), '')::uuid
$$;

-- An erasure is recorded by its execution; a purge also by the tombstone.
CREATE OR REPLACE FUNCTION refuse_unrecorded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM executions WHERE project_id = NEW.project_id AND seq = NEW.seq
      AND action = 'project.erase' AND status = 'success')
    AND NOT EXISTS (SELECT FROM projects WHERE id = NEW.project_id
      AND (archived_seq >= NEW.seq OR status = 'purged')) THEN
    RAISE EXCEPTION 'no execution records this erasure' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;

-- A purge, called as `carry_out` is.
CREATE FUNCTION purge(p_org uuid, p_project uuid, p_at timestamptz, effect json) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM erase_archived(p_project, p_at, (effect->>'seq')::bigint);
  PERFORM forget_project(p_project);
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_archived(uuid, timestamptz, bigint),
  purge(uuid, uuid, timestamptz, json) TO chat_agent_app;
