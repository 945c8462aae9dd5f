-- The writing path with policy: what trip 1 loads beside state, and what trip 2 records beside it.

DROP FUNCTION load_project(uuid, uuid, uuid, text, text[], text[], json, boolean);

-- Trip 1: take the project's lock, then read what a decision needs, as one JSON text.
-- Only `at` for a project that isn't there. Component texts only for `p_components` (NULL: for all)
-- and for those whose schema version isn't the declared one in `p_schemas`; the policy only where it
-- isn't version `p_policy`, which the caller knows; counters whose window isn't over.
-- The lock is a statement of its own: what is read after it has a younger snapshot. (An assignment
-- evaluates a function without the executor; one SELECT for all that is read starts it once.)
CREATE FUNCTION load_project(
  p_org uuid, p_project uuid, p_user uuid, p_principal text, p_components text[], p_keys text[],
  p_schemas json, p_policy bigint, p_counters text[], p_approval uuid, p_subject uuid,
  p_lock boolean
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
    'at', iso(now.at),
    'head', json_build_object('slug', head.slug, 'title', head.title, 'template', head.template,
      'status', head.status, 'paused', head.paused, 'seq', head.seq, 'version', head.version,
      'hash', head.hash, 'policy_version', head.policy_version,
      'organization_paused', (SELECT o.paused FROM organizations o WHERE o.id = head.org_id)),
    'person', (
      SELECT json_build_object('username', u.username, 'attributes', u.attributes,
        'role', CASE WHEN u.admin THEN 'admin' ELSE m.role END,
        'since', iso(CASE WHEN u.admin THEN u.created_at ELSE m.since END))
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
        AND k.request_id = ANY (p_keys)),
    'policy', CASE WHEN head.policy_version <> p_policy THEN (
      SELECT p.document FROM policies p
      WHERE p.project_id = p_project AND p.version = head.policy_version) END,
    'usage', (
      SELECT json_object_agg(u.counter, u.used) FROM usage u
      WHERE u.project_id = p_project AND u.counter = ANY (p_counters) AND u.ends_at > now.at),
    'approval', CASE WHEN p_approval IS NOT NULL THEN load_approval(p_project, p_approval) END,
    'subject', CASE WHEN p_subject IS NOT NULL THEN load_subject(p_project, p_subject) END)::text
    INTO loaded
    FROM projects head, LATERAL (SELECT greatest(chat_agent_clock(), head.at) AS at OFFSET 0) now
    WHERE head.id = p_project;
  RETURN coalesce(loaded, json_build_object('at', iso(chat_agent_clock()))::text);
END $$;

-- A request for approval, with what its requester now is in the project.
CREATE FUNCTION load_approval(p_project uuid, p_approval uuid) RETURNS json LANGUAGE plpgsql STABLE
AS $$
BEGIN
  RETURN (
    SELECT json_build_object('id', a.id, 'seq', a.seq, 'status', a.status, 'request', a.request,
      'preview', a.preview, 'digest', a.digest, 'role', a.role, 'count', a.count, 'at', iso(a.at),
      'expires_at', iso(a.expires_at), 'votes', a.votes,
      'voters', (
        SELECT json_object_agg(u.id, json_build_object(
          'role', CASE WHEN u.admin THEN 'admin' ELSE m.role END,
          'since', iso(CASE WHEN u.admin THEN u.created_at ELSE m.since END)))
        FROM users u LEFT JOIN members m ON m.user_id = u.id AND m.project_id = p_project
        WHERE u.disabled_at IS NULL
          AND u.id IN (SELECT (v->>'user')::uuid FROM jsonb_array_elements(a.votes::jsonb) v)),
      'requester', (
        SELECT json_build_object('username', u.username, 'attributes', u.attributes,
          'role', role_of(u.id, p_project))
        FROM users u WHERE u.id = a.owner_id::uuid))
    FROM approvals a WHERE a.project_id = p_project AND a.id = p_approval);
END $$;

-- Somebody whom administration is about, and how many active admins their organization has.
CREATE FUNCTION load_subject(p_project uuid, p_subject uuid) RETURNS json LANGUAGE plpgsql STABLE
AS $$
BEGIN
  RETURN (
    SELECT json_build_object('user', u.id, 'username', u.username, 'admin', u.admin,
      'disabled', u.disabled_at IS NOT NULL, 'role', m.role,
      'admins', (SELECT count(*) FROM users a WHERE a.admin AND a.disabled_at IS NULL))
    FROM users u LEFT JOIN members m ON m.user_id = u.id AND m.project_id = p_project
    WHERE u.id = p_subject);
END $$;

DROP FUNCTION record(uuid, uuid, timestamptz, bigint, bigint, uuid, text, text, text, text, text,
  text, text, text, text, text, integer, bigint, text, text, text, text, text, integer, text);

-- An execution, a component, an idempotency key and what counts towards limits, each where its first
-- argument isn't NULL. The head moves only from the number before; that, and the unique keys, stand behind the lock.
CREATE FUNCTION record(
  p_org uuid, p_project uuid, p_at timestamptz,
  e_seq bigint, e_version bigint, e_id uuid, e_request_id text, e_principal_id text,
  e_owner_id text, e_action text, e_status text, e_hash text, e_salt text, e_payload text,
  e_record text,
  c_id text, c_schema_version integer, c_version bigint, c_hash text, c_state text,
  k_request_id text, k_principal_id text, k_body_hash text, k_status integer, k_answer text,
  u_counters text[], u_ends text[], u_amounts text[]
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
  IF u_counters IS NOT NULL THEN
    INSERT INTO usage (org_id, project_id, counter, ends_at, used)
    SELECT p_org, p_project, more.counter, more.ends_at::timestamptz, more.amount::bigint
    FROM unnest(u_counters, u_ends, u_amounts) AS more (counter, ends_at, amount)
    ON CONFLICT (project_id, counter, ends_at) DO UPDATE SET used = usage.used + excluded.used;
  END IF;
END $$;

-- What else an execution brings about, beside component state.
CREATE OR REPLACE FUNCTION carry_out(
  p_org uuid, p_project uuid, p_at timestamptz, effect json
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  CASE effect->>'kind'
    WHEN 'organization.create' THEN
      INSERT INTO organizations (id, slug, title) VALUES (p_org, effect->>'slug', effect->>'title');
    WHEN 'organization.pause' THEN
      UPDATE organizations SET paused = (effect->>'paused')::boolean WHERE id = p_org;
    WHEN 'organization.policy' THEN
      UPDATE organizations SET default_policy = effect->>'document' WHERE id = p_org;
    WHEN 'project.create' THEN
      INSERT INTO projects (id, org_id, slug, title, template)
      VALUES (p_project, p_org, effect->>'slug', effect->>'title', effect->>'template');
    WHEN 'project.update' THEN
      UPDATE projects SET title = effect->>'title' WHERE id = p_project;
    WHEN 'project.status' THEN
      UPDATE projects SET status = effect->>'status', paused = (effect->>'paused')::boolean
        WHERE id = p_project;
    WHEN 'policy.set' THEN
      INSERT INTO policies (org_id, project_id, version, at, document)
      VALUES (p_org, p_project, (effect->>'version')::bigint, p_at, effect->>'document');
      UPDATE projects SET policy_version = (effect->>'version')::bigint WHERE id = p_project;
    WHEN 'user.create' THEN
      INSERT INTO users (id, org_id, username, password_hash, must_change_password, admin,
        attributes)
      VALUES ((effect->>'user')::uuid, p_org, effect->>'username', effect->>'password_hash',
              (effect->>'must_change_password')::boolean, (effect->>'admin')::boolean,
              coalesce(effect->>'attributes', '{}'));
    WHEN 'user.password' THEN
      UPDATE users SET password_hash = effect->>'password_hash',
        must_change_password = (effect->>'must_change_password')::boolean
        WHERE id = (effect->>'user')::uuid;
      DELETE FROM sessions WHERE user_id = (effect->>'user')::uuid;
    WHEN 'user.update' THEN
      UPDATE users SET
        attributes = coalesce(effect->>'attributes', attributes),
        disabled_at = CASE (effect->>'disabled')::boolean
          WHEN true THEN coalesce(disabled_at, p_at) WHEN false THEN NULL ELSE disabled_at END
        WHERE id = (effect->>'user')::uuid;
      DELETE FROM sessions s USING users u WHERE u.id = s.user_id
        AND u.id = (effect->>'user')::uuid AND u.disabled_at IS NOT NULL;
    WHEN 'member.set' THEN
      INSERT INTO members (org_id, project_id, user_id, role, since)
      VALUES (p_org, p_project, (effect->>'user')::uuid, effect->>'role', p_at)
      ON CONFLICT (project_id, user_id) DO UPDATE
        SET role = excluded.role, since = excluded.since WHERE members.role <> excluded.role;
    WHEN 'member.remove' THEN
      DELETE FROM members WHERE project_id = p_project AND user_id = (effect->>'user')::uuid;
    WHEN 'approval.open' THEN
      INSERT INTO approvals (id, org_id, project_id, seq, status, requester_id, owner_id, request,
        preview, digest, role, count, at, expires_at, replaces)
      VALUES ((effect->>'approval')::uuid, p_org, p_project, (effect->>'seq')::bigint, 'pending',
        effect->>'requester', effect->>'owner', effect->>'request', effect->>'preview',
        effect->>'digest', effect->>'role', (effect->>'count')::integer, p_at,
        (effect->>'expires_at')::timestamptz, (effect->>'replaces')::uuid);
    WHEN 'approval.vote' THEN
      UPDATE approvals SET votes = (votes::jsonb || (effect->'vote')::jsonb)::text
        WHERE id = (effect->>'approval')::uuid AND status = 'pending';
    WHEN 'approval.close' THEN
      UPDATE approvals SET status = effect->>'status', closed_at = p_at
        WHERE id = (effect->>'approval')::uuid AND status = 'pending';
      IF NOT FOUND THEN
        RAISE EXCEPTION 'approval % is closed', effect->>'approval'
          USING ERRCODE = 'serialization_failure';
      END IF;
    WHEN 'key.answer' THEN
      UPDATE idempotency_keys SET status = 200, answer = effect->>'answer'
        WHERE project_id = p_project AND principal_id = effect->>'principal'
          AND request_id = effect->>'request_id';
  END CASE;
END $$;

-- The whole state as it now is, for reading this version later.
CREATE OR REPLACE FUNCTION keep_checkpoint(
  p_org uuid, p_project uuid, p_at timestamptz, p_version bigint
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  INSERT INTO checkpoints (org_id, project_id, version, at, state, schemas, seq)
  SELECT p_org, p_project, p_version, p_at,
    '{' || coalesce(string_agg(to_json(id) || ':' || state, ',' ORDER BY id), '') || '}',
    coalesce(json_object_agg(id, schema_version) FILTER (WHERE id IS NOT NULL), '{}')::text,
    (SELECT seq FROM executions WHERE project_id = p_project AND version = p_version)
  FROM components WHERE project_id = p_project;
END $$;

-- Requests whose time has run out, wherever they are: the clock's only look across tenants, as the
-- schema's owner, and it sees nothing but ids.
CREATE FUNCTION expired_approvals(p_limit integer)
RETURNS TABLE (org uuid, project uuid, approval uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT org_id, project_id, id FROM approvals
  WHERE status = 'pending' AND expires_at <= chat_agent_clock() ORDER BY expires_at LIMIT p_limit
$$;

-- Forget counters whose window is long over: rates after an hour, days after a year.
CREATE FUNCTION forget_usage() RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH gone AS (
    DELETE FROM usage WHERE ends_at < chat_agent_clock() - CASE
      WHEN counter LIKE 'rate.%' THEN interval '1 hour' ELSE interval '400 days' END
    RETURNING 1)
  SELECT count(*) FROM gone
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
  load_project(uuid, uuid, uuid, text, text[], text[], json, bigint, text[], uuid, uuid, boolean),
  load_approval(uuid, uuid), load_subject(uuid, uuid),
  record(uuid, uuid, timestamptz, bigint, bigint, uuid, text, text, text, text, text, text, text,
    text, text, text, integer, bigint, text, text, text, text, text, integer, text, text[], text[],
    text[]),
  expired_approvals(integer), forget_usage() TO chat_agent_app;
