-- Everything rests on this: tenants, projects with their chain's head, state, executions.
-- Every tenant row carries org_id; row-level security is forced, the owner included.

-- The one clock. Tests and the demo's seed replace it, which only the owner can.
CREATE FUNCTION chat_agent_clock() RETURNS timestamptz LANGUAGE sql VOLATILE
  AS 'SELECT clock_timestamp()';

CREATE TABLE organizations (
  id         uuid PRIMARY KEY,
  slug       text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  title      text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT chat_agent_clock()
);

CREATE TABLE users (
  id                   uuid PRIMARY KEY,
  org_id               uuid NOT NULL REFERENCES organizations (id),
  username             text NOT NULL CHECK (username ~ '^[a-z0-9][a-z0-9._@+-]{0,127}$'),
  password_hash        text NOT NULL,
  must_change_password boolean NOT NULL,
  admin                boolean NOT NULL DEFAULT false,
  attributes           text NOT NULL DEFAULT '{}',
  disabled_at          timestamptz,
  UNIQUE (org_id, id),
  UNIQUE (org_id, username)
);

CREATE TABLE sessions (
  token_hash text PRIMARY KEY,
  org_id     uuid NOT NULL,
  user_id    uuid NOT NULL,
  expires_at timestamptz NOT NULL,
  FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id)
);
CREATE INDEX ON sessions (org_id, user_id);

-- Failed attempts by name, known or not: nobody finds out by them which names there are.
CREATE TABLE login_attempts (
  org_id    uuid NOT NULL,
  name_hash text NOT NULL,
  failures  integer NOT NULL,
  retry_at  timestamptz NOT NULL,
  PRIMARY KEY (org_id, name_hash)
);
CREATE INDEX ON login_attempts (retry_at);

-- The head of each project's chain: execution goes on from here when every row is archived.
CREATE TABLE projects (
  id           uuid PRIMARY KEY,
  org_id       uuid NOT NULL REFERENCES organizations (id),
  slug         text NOT NULL CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'
                 AND slug !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
  title        text NOT NULL,
  template     text NOT NULL,
  status       text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'archived', 'purged')),
  seq          bigint NOT NULL DEFAULT 0,
  version      bigint NOT NULL DEFAULT 0,
  hash         text NOT NULL DEFAULT repeat('0', 64),
  at           timestamptz NOT NULL DEFAULT '-infinity',
  archived_seq bigint NOT NULL DEFAULT 0,
  UNIQUE (org_id, id),
  UNIQUE (org_id, slug)
);

CREATE TABLE members (
  org_id     uuid NOT NULL,
  project_id uuid NOT NULL,
  user_id    uuid NOT NULL,
  role       text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
  since      timestamptz NOT NULL,
  PRIMARY KEY (project_id, user_id),
  FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id),
  FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id)
);

-- Current state, a row a component: `state` is the canonical text that `hash` is of.
CREATE TABLE components (
  org_id         uuid NOT NULL,
  project_id     uuid NOT NULL,
  id             text COLLATE "C" NOT NULL,
  schema_version integer NOT NULL,
  version        bigint NOT NULL,
  hash           text NOT NULL,
  state          text NOT NULL,
  PRIMARY KEY (project_id, id),
  FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id)
);

-- The audit log. One plain table: a unique key can't span partitions. Record and payload are the
-- exact texts that were hashed; the other columns repeat them for filters.
CREATE TABLE executions (
  org_id       uuid NOT NULL,
  project_id   uuid NOT NULL,
  seq          bigint NOT NULL,
  version      bigint,
  at           timestamptz NOT NULL,
  id           uuid NOT NULL,
  request_id   text NOT NULL,
  principal_id text NOT NULL,
  owner_id     text NOT NULL,
  action       text NOT NULL,
  status       text NOT NULL CHECK (status IN ('success', 'rejected', 'failed', 'pending_approval')),
  hash         text NOT NULL,
  salt         text,
  payload      text,
  record       text NOT NULL,
  PRIMARY KEY (project_id, seq),
  UNIQUE (project_id, version),
  CHECK ((status = 'success') = (version IS NOT NULL)),
  CHECK ((payload IS NULL) = (salt IS NULL)),
  FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id)
);
CREATE INDEX executions_at ON executions (project_id, at);

-- The whole state every so often, so that any version is a checkpoint and a bounded run of diffs.
CREATE TABLE checkpoints (
  org_id     uuid NOT NULL,
  project_id uuid NOT NULL,
  version    bigint NOT NULL,
  at         timestamptz NOT NULL,
  state      text NOT NULL,
  PRIMARY KEY (project_id, version),
  FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id)
);

-- What a repeated request is answered, found without any other row.
CREATE TABLE idempotency_keys (
  org_id       uuid NOT NULL,
  project_id   uuid NOT NULL,
  principal_id text NOT NULL,
  request_id   text NOT NULL,
  body_hash    text NOT NULL,
  status       integer NOT NULL,
  answer       text NOT NULL,
  at           timestamptz NOT NULL,
  PRIMARY KEY (project_id, principal_id, request_id),
  FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id)
);
CREATE INDEX ON idempotency_keys (at);

-- Messages that committed with the state and are delivered afterwards.
CREATE TABLE outbox (
  id           uuid PRIMARY KEY,
  org_id       uuid NOT NULL,
  project_id   uuid NOT NULL,
  seq          bigint NOT NULL,
  topic        text NOT NULL,
  body         text NOT NULL,
  at           timestamptz NOT NULL,
  attempts     integer NOT NULL DEFAULT 0,
  next_at      timestamptz NOT NULL,
  delivered_at timestamptz,
  FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id)
);
CREATE INDEX outbox_due ON outbox (next_at) WHERE delivered_at IS NULL;

-- The manifest: which executions lie in which object, and where in it.
CREATE TABLE archives (
  id         uuid PRIMARY KEY,
  org_id     uuid NOT NULL REFERENCES organizations (id),
  day        date NOT NULL,
  bucket     text NOT NULL,
  key        text NOT NULL,
  version_id text NOT NULL,
  sha256     text NOT NULL,
  size       bigint NOT NULL,
  rows       bigint NOT NULL,
  at         timestamptz NOT NULL,
  UNIQUE (org_id, id),
  UNIQUE (bucket, key, version_id)
);

CREATE TABLE archive_ranges (
  org_id        uuid NOT NULL,
  project_id    uuid NOT NULL,
  archive_id    uuid NOT NULL,
  first_seq     bigint NOT NULL,
  last_seq      bigint NOT NULL,
  first_version bigint,
  last_version  bigint,
  first_at      timestamptz NOT NULL,
  last_at       timestamptz NOT NULL,
  head_hash     text NOT NULL,
  byte_offset   bigint NOT NULL,
  byte_length   bigint NOT NULL,
  PRIMARY KEY (project_id, first_seq),
  CHECK (first_seq <= last_seq),
  FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id),
  FOREIGN KEY (org_id, archive_id) REFERENCES archives (org_id, id)
);

CREATE FUNCTION refuse_going_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.seq < OLD.seq OR NEW.version < OLD.version OR NEW.at < OLD.at
     OR NEW.archived_seq < OLD.archived_seq THEN
    RAISE EXCEPTION 'a project''s head never goes back' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER head_never_goes_back BEFORE UPDATE ON projects
  FOR EACH ROW EXECUTE FUNCTION refuse_going_back();

-- Row-level security. After COMMIT the setting reads '' and not NULL, hence nullif.
DO $$
DECLARE name text; tenant text;
BEGIN
  FOREACH name IN ARRAY ARRAY['organizations', 'users', 'sessions', 'login_attempts', 'projects',
    'members', 'components', 'executions', 'checkpoints', 'idempotency_keys', 'outbox', 'archives',
    'archive_ranges']
  LOOP
    tenant := CASE name WHEN 'organizations' THEN 'id' ELSE 'org_id' END;
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format($f$CREATE POLICY tenant ON %I TO chat_agent_app
      USING (%I = nullif(current_setting('app.org', true), '')::uuid)$f$, name, tenant);
    -- The owner runs migrations: without this, its UPDATEs would silently touch nothing.
    EXECUTE format('CREATE POLICY migrator ON %I TO chat_agent_owner USING (true)', name);
  END LOOP;
  -- The archiver crosses tenants, on just these tables.
  FOREACH name IN ARRAY ARRAY['organizations', 'projects', 'executions', 'archives', 'archive_ranges']
  LOOP
    EXECUTE format('CREATE POLICY archiver ON %I TO chat_agent_archiver USING (true)', name);
  END LOOP;
END $$;
-- Signing in finds the organization by its slug before any tenant is known.
CREATE POLICY login ON organizations FOR SELECT TO chat_agent_app USING (true);

GRANT USAGE ON SCHEMA public TO chat_agent_app, chat_agent_archiver;
GRANT SELECT, INSERT ON organizations, users, sessions, login_attempts, projects, members,
  components, executions, checkpoints, idempotency_keys, outbox TO chat_agent_app;
GRANT SELECT ON archives, archive_ranges TO chat_agent_app;
GRANT UPDATE ON users, members, components, login_attempts TO chat_agent_app;
GRANT UPDATE (seq, version, hash, at) ON projects TO chat_agent_app;
GRANT DELETE ON sessions, login_attempts, components TO chat_agent_app;
GRANT SELECT ON organizations, projects TO chat_agent_archiver;
GRANT UPDATE (archived_seq) ON projects TO chat_agent_archiver;
GRANT SELECT, DELETE ON executions TO chat_agent_archiver;
GRANT SELECT, INSERT ON archives, archive_ranges TO chat_agent_archiver;
