-- What takes payloads or a project away for good has an execution of its own, whoever asks the database; and
-- current state can be verified.

-- An erasure is recorded by its execution, or by that of the purge that it follows. Where that isn't here
-- to look at, only a restore, by the owner's login, writes the erasure down again.
CREATE OR REPLACE FUNCTION refuse_unrecorded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM executions WHERE project_id = NEW.project_id AND seq = NEW.seq
      AND action IN ('project.erase', 'project.purge') AND status = 'success')
    AND NOT EXISTS (SELECT FROM projects WHERE id = NEW.project_id
      AND (archived_seq >= NEW.seq OR status = 'purged') AND session_user = 'chat_agent_owner') THEN
    RAISE EXCEPTION 'no execution records this erasure' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;

-- A purge is its chain's last execution, which is written after what it brings about.
CREATE FUNCTION refuse_unrecorded_purge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM projects p JOIN executions e ON e.project_id = p.id AND e.seq = p.seq
      WHERE p.id = NEW.id AND e.action = 'project.purge' AND e.status = 'success') THEN
    RAISE EXCEPTION 'no execution records this purge' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER purges_are_recorded AFTER UPDATE OF status ON projects
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (NEW.status = 'purged' AND OLD.status <> 'purged') EXECUTE FUNCTION refuse_unrecorded_purge();

-- What verifying needs of current state: each component's hash, and whether its text is the one that was
-- hashed. The archiver asks, who sees no state: as the schema's owner, which looks for it.
CREATE FUNCTION component_hashes(p_org uuid, p_project uuid)
RETURNS TABLE (project uuid, id text, hash text, intact boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT c.project_id, c.id, c.hash, c.hash = encode(sha256(convert_to(c.state, 'UTF8')), 'hex')
  FROM projects p JOIN components c ON c.project_id = p.id
  WHERE p.org_id = p_org AND (p_project IS NULL OR p.id = p_project) ORDER BY c.project_id, c.id
$$;

REVOKE EXECUTE ON FUNCTION refuse_unrecorded_purge(), component_hashes(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION component_hashes(uuid, uuid) TO chat_agent_archiver;
