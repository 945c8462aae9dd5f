-- What takes payloads or a project away for good has an execution of its own, whoever asks the database.

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

REVOKE EXECUTE ON FUNCTION refuse_unrecorded_purge() FROM PUBLIC;
