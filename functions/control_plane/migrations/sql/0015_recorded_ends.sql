-- What takes payloads or a project away for good has an execution of its own, whoever asks the database.

-- An erasure is recorded by its execution; a purge also by the tombstone. Of what is archived the
-- execution isn't here to look at: only a restore, by the owner's login, writes such an erasure down again.
CREATE OR REPLACE FUNCTION refuse_unrecorded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM executions WHERE project_id = NEW.project_id AND seq = NEW.seq
      AND action = 'project.erase' AND status = 'success')
    AND NOT EXISTS (SELECT FROM projects WHERE id = NEW.project_id
      AND (status = 'purged' OR archived_seq >= NEW.seq AND session_user = 'chat_agent_owner')) THEN
    RAISE EXCEPTION 'no execution records this erasure' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
