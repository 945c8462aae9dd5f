-- The writing path does the same with less work in the server.

-- A table's CHECK is read from the catalogue and run anew for each row written, whatever column has
-- changed: every execution ran the regular expressions of its project's slug. A domain is checked only
-- where a value is made.
CREATE DOMAIN slug AS text CHECK (VALUE ~ '^[a-z0-9][a-z0-9-]{0,62}$'
  AND VALUE !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$');
CREATE DOMAIN project_status AS text CHECK (VALUE IN ('active', 'archived', 'purged'));
CREATE DOMAIN execution_status AS text
  CHECK (VALUE IN ('success', 'rejected', 'failed', 'pending_approval'));

ALTER TABLE projects
  DROP CONSTRAINT projects_slug_check,
  DROP CONSTRAINT projects_status_check,
  ALTER COLUMN slug TYPE slug,
  ALTER COLUMN status TYPE project_status;
-- That a version goes with success, and a salt with a payload, `record` sees to: nothing else inserts.
ALTER TABLE executions
  DROP CONSTRAINT executions_status_check,
  DROP CONSTRAINT executions_check,
  DROP CONSTRAINT executions_check1,
  ALTER COLUMN status TYPE execution_status;

-- A trigger's condition is read anew for each statement, too: the archiver's part is for the archiver.
CREATE OR REPLACE TRIGGER head_never_goes_back BEFORE UPDATE OF seq, version, at ON projects
  FOR EACH ROW
  WHEN (NEW.seq < OLD.seq OR NEW.version < OLD.version OR NEW.at < OLD.at)
  EXECUTE FUNCTION refuse_going_back();
CREATE TRIGGER archive_never_goes_back BEFORE UPDATE OF archived_seq ON projects
  FOR EACH ROW WHEN (NEW.archived_seq < OLD.archived_seq)
  EXECUTE FUNCTION refuse_going_back();

DROP FUNCTION load_project(uuid, uuid, uuid, text, text[], text[], json, bigint, text[], uuid, uuid,
  boolean);

-- Trip 1: take the project's lock, then read what a decision needs, as one JSON text.
-- Only `at` for a project that isn't there. Component texts only for `p_components` (NULL: for all)
-- and for those whose schema version isn't the declared one in `p_schemas`; the policy only where it
-- isn't version `p_policy`, which the caller knows; counters whose window isn't over. Components come
-- as arrays, for there may be many: hash, schema version, version, size, text.
-- The lock is a statement of its own: what is read after it has a younger snapshot. (An assignment
-- evaluates a function without the executor; one SELECT for all that is read starts it once.)
CREATE FUNCTION load_project(
  p_org uuid, p_project uuid, p_user uuid, p_principal text, p_components text[], p_keys text[],
  p_schemas jsonb, p_policy bigint, p_counters text[], p_approval uuid, p_subject uuid,
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
    'head', json_build_object('slug', head.slug, 'status', head.status, 'paused', head.paused,
      'seq', head.seq, 'version', head.version, 'hash', head.hash,
      'policy_version', head.policy_version,
      'organization_paused', (SELECT o.paused FROM organizations o WHERE o.id = head.org_id)),
    'person', (
      SELECT json_build_object('username', u.username, 'attributes', u.attributes,
        'role', CASE WHEN u.admin THEN 'admin' ELSE m.role END,
        'since', iso(CASE WHEN u.admin THEN u.created_at ELSE m.since END))
      FROM users u LEFT JOIN members m ON m.user_id = u.id AND m.project_id = p_project
      WHERE u.id = p_user AND u.disabled_at IS NULL),
    'components', (
      SELECT json_object_agg(c.id, json_build_array(
        c.hash, c.schema_version, c.version, octet_length(c.state),
        CASE WHEN p_components IS NULL OR c.id = ANY (p_components)
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

-- An execution, a component, an idempotency key and what counts towards limits, each where its first
-- argument isn't NULL. The head moves only from the number before; that, and the unique keys, stand
-- behind the lock. What is there is updated at once: ON CONFLICT would lock it first.
CREATE OR REPLACE FUNCTION record(
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
    IF (e_status = 'success') <> (e_version IS NOT NULL) OR (e_payload IS NULL) <> (e_salt IS NULL) THEN
      RAISE EXCEPTION 'execution % contradicts itself', e_seq USING ERRCODE = 'check_violation';
    END IF;
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
    UPDATE components SET schema_version = c_schema_version, version = c_version, hash = c_hash,
      state = c_state WHERE project_id = p_project AND id = c_id;
    IF NOT FOUND THEN
      INSERT INTO components (org_id, project_id, id, schema_version, version, hash, state)
      VALUES (p_org, p_project, c_id, c_schema_version, c_version, c_hash, c_state);
    END IF;
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

REVOKE EXECUTE ON FUNCTION load_project(uuid, uuid, uuid, text, text[], text[], jsonb, bigint, text[],
  uuid, uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION load_project(uuid, uuid, uuid, text, text[], text[], jsonb, bigint, text[],
  uuid, uuid, boolean) TO chat_agent_app;
