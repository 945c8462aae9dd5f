-- A checkpoint looked its version's execution up. A connection that had planned this on a young database
-- went through the project's whole history for it, for as long as it lived. Whoever writes knows its seq.

DROP FUNCTION keep_checkpoint(uuid, uuid, timestamptz, bigint);

-- The whole state as it now is, for reading this version later; `p_seq` is the execution that made it.
CREATE FUNCTION keep_checkpoint(
  p_org uuid, p_project uuid, p_at timestamptz, p_version bigint, p_seq bigint
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO checkpoints (org_id, project_id, version, at, state, schemas, seq)
  SELECT p_org, p_project, p_version, p_at,
    '{' || coalesce(string_agg(to_json(id) || ':' || state, ',' ORDER BY id), '') || '}',
    coalesce(json_object_agg(id, schema_version) FILTER (WHERE id IS NOT NULL), '{}')::text,
    p_seq
  FROM components WHERE project_id = p_project;
END $$;

REVOKE EXECUTE ON FUNCTION keep_checkpoint(uuid, uuid, timestamptz, bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION keep_checkpoint(uuid, uuid, timestamptz, bigint, bigint) TO chat_agent_app;
