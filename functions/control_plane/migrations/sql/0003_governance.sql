-- Policies, counters, requests for approval, pauses.

ALTER TABLE organizations ADD COLUMN paused boolean NOT NULL DEFAULT false;
-- The policy that new projects start with.
ALTER TABLE organizations ADD COLUMN default_policy text NOT NULL DEFAULT '{}';
ALTER TABLE users ADD COLUMN created_at timestamptz NOT NULL DEFAULT chat_agent_clock();
ALTER TABLE projects ADD COLUMN paused boolean NOT NULL DEFAULT false;
ALTER TABLE projects ADD COLUMN policy_version bigint NOT NULL DEFAULT 0;
-- With the state, what reading it later needs: each component's schema version, and which execution
-- made this version. Checkpoints of before don't know.
ALTER TABLE checkpoints ADD COLUMN schemas text NOT NULL DEFAULT '{}';
ALTER TABLE checkpoints ADD COLUMN seq bigint;

-- Every policy that a project has had; the one in force is named by its row in projects.
CREATE TABLE policies (
  org_id     uuid NOT NULL,
  project_id uuid NOT NULL,
  version    bigint NOT NULL,
  at         timestamptz NOT NULL,
  document   text NOT NULL,
  PRIMARY KEY (project_id, version),
  FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id)
);

-- Counters in fixed UTC windows, a row a window: the one whose end is still to come is in force.
CREATE TABLE usage (
  org_id     uuid NOT NULL,
  project_id uuid NOT NULL,
  counter    text COLLATE "C" NOT NULL,
  ends_at    timestamptz NOT NULL,
  used       bigint NOT NULL,
  PRIMARY KEY (project_id, counter, ends_at),
  FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id)
);
CREATE INDEX usage_ends_at ON usage (ends_at);

-- Requests that wait for approval, or did. `request` is what is asked, `preview` what was shown.
CREATE TABLE approvals (
  id           uuid PRIMARY KEY,
  org_id       uuid NOT NULL,
  project_id   uuid NOT NULL,
  seq          bigint NOT NULL,
  status       text NOT NULL CHECK (status IN
                 ('pending', 'done', 'rejected', 'withdrawn', 'expired', 'superseded')),
  requester_id text NOT NULL,
  owner_id     text NOT NULL,
  request      text NOT NULL,
  preview      text NOT NULL,
  digest       text NOT NULL,
  role         text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
  count        integer NOT NULL CHECK (count > 0),
  at           timestamptz NOT NULL,
  expires_at   timestamptz,
  closed_at    timestamptz,
  votes        text NOT NULL DEFAULT '[]',
  replaces     uuid,
  UNIQUE (project_id, seq),
  CHECK ((status = 'pending') = (closed_at IS NULL)),
  FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id)
);
CREATE INDEX approvals_pending ON approvals (project_id, id) WHERE status = 'pending';
CREATE INDEX approvals_expiring ON approvals (expires_at) WHERE status = 'pending';

-- Links that sign in once; only the local stack makes them.
CREATE TABLE sign_in_links (
  link_hash  text PRIMARY KEY,
  org_id     uuid NOT NULL,
  user_id    uuid NOT NULL,
  expires_at timestamptz NOT NULL,
  FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, id)
);

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['policies', 'usage', 'approvals', 'sign_in_links'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format($f$CREATE POLICY tenant ON %I TO chat_agent_app
      USING (org_id = nullif(current_setting('app.org', true), '')::uuid)$f$, name);
    EXECUTE format('CREATE POLICY migrator ON %I TO chat_agent_owner USING (true)', name);
  END LOOP;
END $$;

GRANT SELECT, INSERT ON policies, usage, approvals, sign_in_links TO chat_agent_app;
GRANT UPDATE ON usage, approvals TO chat_agent_app;
GRANT UPDATE (status, answer) ON idempotency_keys TO chat_agent_app;
GRANT DELETE ON usage, sign_in_links, members TO chat_agent_app;
GRANT UPDATE (title, status, paused, policy_version) ON projects TO chat_agent_app;
GRANT UPDATE (paused, default_policy) ON organizations TO chat_agent_app;

-- What each execution updates stays in its page: with room there, the new version needs no new index
-- entries, and the old ones are pruned by the next reader instead of being walked past.
ALTER TABLE projects SET (fillfactor = 40);
ALTER TABLE components SET (fillfactor = 40);
ALTER TABLE usage SET (fillfactor = 40);
