-- The writing path does the same with less work in the server.

-- The condition stands in the trigger and not in its function: calling that costs more than the update.
CREATE OR REPLACE FUNCTION refuse_going_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a project''s head never goes back' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE OR REPLACE TRIGGER head_never_goes_back BEFORE UPDATE ON projects
  FOR EACH ROW
  WHEN (NEW.seq < OLD.seq OR NEW.version < OLD.version OR NEW.at < OLD.at
        OR NEW.archived_seq < OLD.archived_seq)
  EXECUTE FUNCTION refuse_going_back();

-- The role that a user acts with: an organization's admin is admin in every project.
-- (PL/pgSQL keeps its plan from call to call; SQL would make it anew each time.)
CREATE OR REPLACE FUNCTION role_of(p_user uuid, p_project uuid) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT CASE WHEN u.admin THEN 'admin' ELSE m.role END
    FROM users u LEFT JOIN members m ON m.user_id = u.id AND m.project_id = p_project
    WHERE u.id = p_user AND u.disabled_at IS NULL);
END $$;

-- Trip 1: take the project's lock, then read what a decision needs, as one JSON text.
-- Only `at` for a project that isn't there. Component texts only for `p_components` (NULL: for all)
-- and for those whose schema version isn't the declared one in `p_schemas`.
-- The lock is a statement of its own: what is read after it has a younger snapshot. (An assignment
-- evaluates a function without the executor; one SELECT for all that is read starts it once.)
CREATE OR REPLACE FUNCTION load_project(
  p_org uuid, p_project uuid, p_user uuid, p_principal text, p_components text[], p_keys text[],
  p_schemas json, p_lock boolean
) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  ignored text;
  loaded text;
BEGIN
  IF p_lock THEN
    ignored := pg_advisory_xact_lock(hashtextextended('project:' || p_project, 0));
  END IF;
  ignored := set_config('app.org', p_org::text, true);
  SELECT json_build_object(
    'at', iso(greatest(chat_agent_clock(), head.at)),
    'head', json_build_object('slug', head.slug, 'title', head.title, 'template', head.template,
      'status', head.status, 'seq', head.seq, 'version', head.version, 'hash', head.hash),
    'role', (
      SELECT CASE WHEN u.admin THEN 'admin' ELSE m.role END
      FROM users u LEFT JOIN members m ON m.user_id = u.id AND m.project_id = p_project
      WHERE u.id = p_user AND u.disabled_at IS NULL),
    'components', (
      SELECT json_object_agg(c.id, json_build_object(
        'hash', c.hash, 'schema_version', c.schema_version, 'version', c.version,
        'size', octet_length(c.state),
        'text', CASE WHEN p_components IS NULL OR c.id = ANY (p_components)
          OR c.schema_version <> (p_schemas->>c.id)::integer THEN c.state END))
      FROM components c WHERE c.project_id = p_project),
    'keys', (
      SELECT json_object_agg(k.request_id, json_build_object(
        'body_hash', k.body_hash, 'status', k.status, 'answer', k.answer))
      FROM idempotency_keys k
      WHERE k.project_id = p_project AND k.principal_id = p_principal
        AND k.request_id = ANY (p_keys)))::text
    INTO loaded FROM projects head WHERE head.id = p_project;
  RETURN coalesce(loaded, json_build_object('at', iso(chat_agent_clock()))::text);
END $$;
