-- The writing path's two trips. VOLATILE and PL/pgSQL on purpose: each statement in them takes a
-- new snapshot, so that what is read after the lock is what the last holder committed.

CREATE FUNCTION iso(moment timestamptz) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') $$;

-- The role that a user acts with: an organization's admin is admin in every project.
CREATE FUNCTION role_of(p_user uuid, p_project uuid) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN u.admin THEN 'admin' ELSE m.role END
  FROM users u LEFT JOIN members m ON m.user_id = u.id AND m.project_id = p_project
  WHERE u.id = p_user AND u.disabled_at IS NULL
$$;

-- Trip 1: take the project's lock, then read what a decision needs, as one JSON text.
-- Only `at` for a project that isn't there. Component texts only for `p_components` (NULL: for all)
-- and for those whose schema version isn't the declared one in `p_schemas`.
CREATE FUNCTION load_project(
  p_org uuid, p_project uuid, p_user uuid, p_principal text, p_components text[], p_keys text[],
  p_schemas json, p_lock boolean
) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  head projects;
  held json;
  keys json;
BEGIN
  IF p_lock THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('project:' || p_project, 0));
  END IF;
  PERFORM set_config('app.org', p_org::text, true);
  SELECT * INTO head FROM projects WHERE id = p_project;
  IF NOT FOUND THEN
    RETURN json_build_object('at', iso(chat_agent_clock()))::text;
  END IF;
  SELECT json_object_agg(c.id, json_build_object(
      'hash', c.hash, 'schema_version', c.schema_version, 'version', c.version,
      'size', octet_length(c.state),
      'text', CASE WHEN p_components IS NULL OR c.id = ANY (p_components)
        OR c.schema_version <> (p_schemas->>c.id)::integer THEN c.state END))
    INTO held FROM components c WHERE c.project_id = p_project;
  SELECT json_object_agg(k.request_id, json_build_object(
      'body_hash', k.body_hash, 'status', k.status, 'answer', k.answer))
    INTO keys FROM idempotency_keys k
    WHERE k.project_id = p_project AND k.principal_id = p_principal AND k.request_id = ANY (p_keys);
  RETURN json_build_object(
    'at', iso(greatest(chat_agent_clock(), head.at)),
    'head', json_build_object('slug', head.slug, 'title', head.title, 'template', head.template,
      'status', head.status, 'seq', head.seq, 'version', head.version, 'hash', head.hash),
    'role', role_of(p_user, p_project),
    'components', held, 'keys', keys)::text;
END $$;

-- What else an execution brings about, beside component state.
CREATE FUNCTION carry_out(p_org uuid, p_project uuid, p_at timestamptz, effect json)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  CASE effect->>'kind'
    WHEN 'organization.create' THEN
      INSERT INTO organizations (id, slug, title) VALUES (p_org, effect->>'slug', effect->>'title');
    WHEN 'project.create' THEN
      INSERT INTO projects (id, org_id, slug, title, template)
      VALUES (p_project, p_org, effect->>'slug', effect->>'title', effect->>'template');
    WHEN 'user.create' THEN
      INSERT INTO users (id, org_id, username, password_hash, must_change_password, admin)
      VALUES ((effect->>'user')::uuid, p_org, effect->>'username', effect->>'password_hash',
              (effect->>'must_change_password')::boolean, (effect->>'admin')::boolean);
    WHEN 'user.password' THEN
      UPDATE users SET password_hash = effect->>'password_hash',
        must_change_password = (effect->>'must_change_password')::boolean
        WHERE id = (effect->>'user')::uuid;
      DELETE FROM sessions WHERE user_id = (effect->>'user')::uuid;
    WHEN 'member.set' THEN
      INSERT INTO members (org_id, project_id, user_id, role, since)
      VALUES (p_org, p_project, (effect->>'user')::uuid, effect->>'role', p_at)
      ON CONFLICT (project_id, user_id) DO UPDATE
        SET role = excluded.role, since = excluded.since WHERE members.role <> excluded.role;
  END CASE;
END $$;

-- Trip 2: everything that a decision brings about, or nothing. The head moves only from the
-- number before the first new one; that, and the unique keys, stand behind the lock.
CREATE FUNCTION record_executions(batch json) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  p_org uuid := batch->>'org';
  p_project uuid := batch->>'project';
  p_at timestamptz := batch->>'at';
  effect json;
BEGIN
  FOR effect IN SELECT json_array_elements(batch->'effects') LOOP
    PERFORM carry_out(p_org, p_project, p_at, effect);
  END LOOP;
  UPDATE projects SET seq = (batch->>'seq')::bigint, version = (batch->>'version')::bigint,
      hash = batch->>'hash', at = p_at
    WHERE id = p_project AND seq = (batch->>'first_seq')::bigint - 1;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the head of project % has moved', p_project
      USING ERRCODE = 'serialization_failure';
  END IF;
  INSERT INTO executions SELECT * FROM json_populate_recordset(NULL::executions, batch->'executions');
  INSERT INTO components
    SELECT * FROM json_populate_recordset(NULL::components, batch->'components')
    ON CONFLICT (project_id, id) DO UPDATE SET schema_version = excluded.schema_version,
      version = excluded.version, hash = excluded.hash, state = excluded.state;
  DELETE FROM components WHERE project_id = p_project
    AND id IN (SELECT json_array_elements_text(batch->'removed'));
  INSERT INTO idempotency_keys
    SELECT * FROM json_populate_recordset(NULL::idempotency_keys, batch->'keys');
  INSERT INTO outbox (id, org_id, project_id, seq, topic, body, at, next_at)
    SELECT id, p_org, p_project, seq, topic, body, p_at, p_at
    FROM json_populate_recordset(NULL::outbox, batch->'outbox');
  IF (batch->>'checkpoint')::boolean THEN
    INSERT INTO checkpoints (org_id, project_id, version, at, state)
    SELECT p_org, p_project, (batch->>'version')::bigint, p_at,
      '{' || coalesce(string_agg(to_json(id) || ':' || state, ',' ORDER BY id), '') || '}'
    FROM components WHERE project_id = p_project;
  END IF;
END $$;

-- Who holds this token, and what may they do in this project (an id or a slug; NULL: none)?
-- The token names its organization, so that the look-up never leaves the tenant.
CREATE FUNCTION authenticate(p_org uuid, p_token_hash text, p_project text)
RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  person users;
  project projects;
BEGIN
  PERFORM set_config('app.org', p_org::text, true);
  SELECT u.* INTO person FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.token_hash = p_token_hash AND s.expires_at > chat_agent_clock()
      AND u.disabled_at IS NULL;
  IF NOT FOUND THEN RETURN NULL; END IF;
  -- A slug is never shaped like an id: the two look-ups can't meet.
  IF p_project ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
    SELECT * INTO project FROM projects WHERE id = p_project::uuid;
  ELSE
    SELECT * INTO project FROM projects WHERE slug = p_project;
  END IF;
  RETURN json_build_object(
    'user', person.id, 'username', person.username, 'admin', person.admin,
    'must_change_password', person.must_change_password,
    'project', project.id, 'slug', project.slug, 'title', project.title,
    'template', project.template, 'role', role_of(person.id, project.id))::text;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT EXECUTE ON FUNCTION chat_agent_clock(), iso(timestamptz) TO chat_agent_app, chat_agent_archiver;
GRANT EXECUTE ON FUNCTION role_of(uuid, uuid), authenticate(uuid, text, text),
  load_project(uuid, uuid, uuid, text, text[], text[], json, boolean), record_executions(json),
  carry_out(uuid, uuid, timestamptz, json) TO chat_agent_app;
GRANT SELECT ON alembic_version TO chat_agent_app;
