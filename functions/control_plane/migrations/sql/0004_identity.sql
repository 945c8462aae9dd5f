-- API tokens, first passwords that are good once, and purged projects.

-- A token is somebody's: shown once, kept as a hash. `projects` NULL: all that its owner may see.
CREATE TABLE tokens (
  id           uuid PRIMARY KEY,
  org_id       uuid NOT NULL,
  user_id      uuid NOT NULL,
  name         text NOT NULL,
  token_hash   text NOT NULL UNIQUE,
  scopes       text[] NOT NULL CHECK (scopes <@ ARRAY['read', 'execute', 'approve', 'admin']
                 AND cardinality(scopes) > 0),
  projects     uuid[],
  created_at   timestamptz NOT NULL,
  expires_at   timestamptz NOT NULL,
  last_used_at timestamptz,
  revoked_at   timestamptz,
  FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id)
);
CREATE INDEX ON tokens (org_id, user_id);

ALTER TABLE tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON tokens TO chat_agent_app
  USING (org_id = nullif(current_setting('app.org', true), '')::uuid);
CREATE POLICY migrator ON tokens TO chat_agent_owner USING (true);
GRANT SELECT, INSERT ON tokens TO chat_agent_app;
GRANT UPDATE (last_used_at, revoked_at) ON tokens TO chat_agent_app;

-- A first password opens one session, before this moment; NULL for those that people chose.
ALTER TABLE users ADD COLUMN password_expires_at timestamptz;

-- What a purge removes at once. Executions go with the next archive run: only the archiver may.
GRANT DELETE ON checkpoints, idempotency_keys, outbox, policies, approvals TO chat_agent_app;

-- Who holds a token, and what they are in a project (an id or a slug): one trip, no lock. A session
-- may all that its person may; an API token what its scopes and its projects leave of that.
CREATE OR REPLACE FUNCTION authenticate(p_org uuid, p_token_hash text, p_project text)
RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  person users;
  token tokens;
  project projects;
BEGIN
  PERFORM set_config('app.org', p_org::text, true);
  SELECT u.* INTO person FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.token_hash = p_token_hash AND s.expires_at > chat_agent_clock()
      AND u.disabled_at IS NULL;
  IF NOT FOUND THEN
    token := use_token(p_token_hash);
    SELECT * INTO person FROM users WHERE id = token.user_id AND disabled_at IS NULL;
    IF NOT FOUND THEN RETURN NULL; END IF;
  END IF;
  -- A slug is never shaped like an id: the two look-ups can't meet.
  IF p_project ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
    SELECT * INTO project FROM projects WHERE id = p_project::uuid;
  ELSE
    SELECT * INTO project FROM projects WHERE slug = p_project;
  END IF;
  IF token.projects IS NOT NULL AND NOT project.id = ANY (token.projects) THEN
    project := NULL;
  END IF;
  RETURN json_build_object(
    'user', person.id, 'username', person.username,
    'admin', person.admin AND token.projects IS NULL,
    'must_change_password', person.must_change_password,
    'token', token.id, 'scopes', token.scopes, 'projects', token.projects,
    'project', project.id, 'slug', project.slug, 'title', project.title,
    'template', project.template, 'status', project.status,
    'role', role_of(person.id, project.id))::text;
END $$;

-- The token of this hash if it still holds; its last use is written once a minute at most.
CREATE FUNCTION use_token(p_token_hash text) RETURNS tokens LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  token tokens;
BEGIN
  SELECT * INTO token FROM tokens
    WHERE token_hash = p_token_hash AND revoked_at IS NULL AND expires_at > chat_agent_clock();
  IF token.last_used_at IS NULL OR token.last_used_at < chat_agent_clock() - interval '1 minute' THEN
    UPDATE tokens SET last_used_at = chat_agent_clock() WHERE id = token.id;
  END IF;
  RETURN token;
END $$;

-- A request for approval, with what its requester now is in the project: nothing any more where it
-- was asked with an API token that has been revoked.
CREATE OR REPLACE FUNCTION load_approval(p_project uuid, p_approval uuid) RETURNS json LANGUAGE plpgsql STABLE
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
          'role', CASE WHEN NOT EXISTS (
            SELECT 1 FROM tokens t WHERE t.id::text = a.requester_id AND t.revoked_at IS NOT NULL)
            THEN role_of(u.id, p_project) END)
        FROM users u WHERE u.id = a.owner_id::uuid))
    FROM approvals a WHERE a.project_id = p_project AND a.id = p_approval);
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
    WHEN 'project.purge' THEN
      PERFORM forget_project(p_project);
    WHEN 'policy.set' THEN
      INSERT INTO policies (org_id, project_id, version, at, document)
      VALUES (p_org, p_project, (effect->>'version')::bigint, p_at, effect->>'document');
      UPDATE projects SET policy_version = (effect->>'version')::bigint WHERE id = p_project;
    WHEN 'user.create' THEN
      INSERT INTO users (id, org_id, username, password_hash, must_change_password, admin,
        attributes, password_expires_at)
      VALUES ((effect->>'user')::uuid, p_org, effect->>'username', effect->>'password_hash',
              (effect->>'must_change_password')::boolean, (effect->>'admin')::boolean,
              coalesce(effect->>'attributes', '{}'),
              p_at + (effect->>'password_hours')::integer * interval '1 hour');
    WHEN 'user.password' THEN
      UPDATE users SET password_hash = effect->>'password_hash',
        must_change_password = (effect->>'must_change_password')::boolean,
        password_expires_at = NULL
        WHERE id = (effect->>'user')::uuid
          AND password_hash = coalesce(effect->>'before', password_hash);
      IF NOT FOUND THEN
        RAISE EXCEPTION 'the password of % has changed', effect->>'user'
          USING ERRCODE = 'check_violation';
      END IF;
      DELETE FROM sessions WHERE user_id = (effect->>'user')::uuid;
    WHEN 'token.create' THEN
      INSERT INTO tokens (id, org_id, user_id, name, token_hash, scopes, projects, created_at,
        expires_at)
      VALUES ((effect->>'token')::uuid, p_org, (effect->>'user')::uuid, effect->>'name',
        effect->>'token_hash', texts(effect->'scopes'), texts(effect->'projects')::uuid[],
        p_at, p_at + (effect->>'days')::integer * interval '1 day');
    WHEN 'token.revoke' THEN
      UPDATE tokens SET revoked_at = coalesce(revoked_at, p_at) WHERE id = (effect->>'token')::uuid;
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

-- A JSON array of texts as PostgreSQL's; NULL for null.
CREATE FUNCTION texts(list json) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE json_typeof(list) WHEN 'array' THEN
    ARRAY(SELECT json_array_elements_text(list)) END
$$;

-- All of a purged project but its row, the tombstone with the chain's head, and its executions,
-- which are out of reach from now on and go with the next archive run.
CREATE FUNCTION forget_project(p_project uuid) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  UPDATE projects SET status = 'purged', policy_version = 0 WHERE id = p_project;
  DELETE FROM components WHERE project_id = p_project;
  DELETE FROM checkpoints WHERE project_id = p_project;
  DELETE FROM idempotency_keys WHERE project_id = p_project;
  DELETE FROM outbox WHERE project_id = p_project;
  DELETE FROM policies WHERE project_id = p_project;
  DELETE FROM approvals WHERE project_id = p_project;
  DELETE FROM usage WHERE project_id = p_project;
  DELETE FROM members WHERE project_id = p_project;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT EXECUTE ON FUNCTION use_token(text), texts(json), forget_project(uuid) TO chat_agent_app;

-- The application makes no temporary objects, either.
DO $$
BEGIN
  EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END $$;
