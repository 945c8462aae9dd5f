-- The writing path's two trips. VOLATILE and PL/pgSQL on purpose: each statement in them takes a
-- new snapshot, so that what is read after the lock is what the last holder committed.

CREATE FUNCTION iso(moment timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
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

-- Trip 2 is some calls of these and COMMIT, in one message: everything, or nothing. Typed arguments
-- instead of one JSON text: parsing that took longer than the writing.

-- An execution, a component and an idempotency key, each where its first argument isn't NULL. The
-- head moves only from the number before; that, and the unique keys, stand behind the lock.
CREATE FUNCTION record(
  p_org uuid, p_project uuid, p_at timestamptz,
  e_seq bigint, e_version bigint, e_id uuid, e_request_id text, e_principal_id text,
  e_owner_id text, e_action text, e_status text, e_hash text, e_salt text, e_payload text,
  e_record text,
  c_id text, c_schema_version integer, c_version bigint, c_hash text, c_state text,
  k_request_id text, k_principal_id text, k_body_hash text, k_status integer, k_answer text
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF e_seq IS NOT NULL THEN
    UPDATE projects SET seq = e_seq, version = coalesce(e_version, version), hash = e_hash, at = p_at
      WHERE id = p_project AND seq = e_seq - 1;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'the head of project % has moved', p_project
        USING ERRCODE = 'serialization_failure';
    END IF;
    INSERT INTO executions (org_id, project_id, seq, version, at, id, request_id, principal_id,
      owner_id, action, status, hash, salt, payload, record)
    VALUES (p_org, p_project, e_seq, e_version, p_at, e_id, e_request_id, e_principal_id,
      e_owner_id, e_action, e_status, e_hash, e_salt, e_payload, e_record);
  END IF;
  IF c_id IS NOT NULL THEN
    INSERT INTO components (org_id, project_id, id, schema_version, version, hash, state)
    VALUES (p_org, p_project, c_id, c_schema_version, c_version, c_hash, c_state)
    ON CONFLICT (project_id, id) DO UPDATE SET schema_version = excluded.schema_version,
      version = excluded.version, hash = excluded.hash, state = excluded.state;
  END IF;
  IF k_request_id IS NOT NULL THEN
    INSERT INTO idempotency_keys (org_id, project_id, principal_id, request_id, body_hash, status,
      answer, at)
    VALUES (p_org, p_project, k_principal_id, k_request_id, k_body_hash, k_status, k_answer, p_at);
  END IF;
END $$;

CREATE FUNCTION remove_component(p_project uuid, c_id text) RETURNS void LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  DELETE FROM components WHERE project_id = p_project AND id = c_id;
END $$;

CREATE FUNCTION send_later(
  p_org uuid, p_project uuid, p_at timestamptz, m_id uuid, m_seq bigint, m_topic text, m_body text
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO outbox (id, org_id, project_id, seq, topic, body, at, next_at)
  VALUES (m_id, p_org, p_project, m_seq, m_topic, m_body, p_at, p_at);
END $$;

-- The whole state as it now is, for reading this version later.
CREATE FUNCTION keep_checkpoint(p_org uuid, p_project uuid, p_at timestamptz, p_version bigint)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO checkpoints (org_id, project_id, version, at, state)
  SELECT p_org, p_project, p_version, p_at,
    '{' || coalesce(string_agg(to_json(id) || ':' || state, ',' ORDER BY id), '') || '}'
  FROM components WHERE project_id = p_project;
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
  load_project(uuid, uuid, uuid, text, text[], text[], json, boolean),
  record(uuid, uuid, timestamptz, bigint, bigint, uuid, text, text, text, text, text, text, text,
    text, text, text, integer, bigint, text, text, text, text, text, integer, text),
  remove_component(uuid, text), keep_checkpoint(uuid, uuid, timestamptz, bigint),
  send_later(uuid, uuid, timestamptz, uuid, bigint, text, text),
  carry_out(uuid, uuid, timestamptz, json) TO chat_agent_app;
GRANT SELECT ON alembic_version TO chat_agent_app;
