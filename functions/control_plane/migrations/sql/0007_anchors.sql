-- The head of each organization's chain of anchors. `waiting` is an anchor's exact text from the moment
-- it is decided on until it has been read back from its bucket: whoever comes next puts it first, and
-- a new head is set only over the one that was read, so that the chain never forks.
CREATE TABLE anchor_heads (
  org_id  uuid PRIMARY KEY REFERENCES organizations (id),
  at      timestamptz NOT NULL,
  sha256  text NOT NULL,
  waiting text
);

ALTER TABLE anchor_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE anchor_heads FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON anchor_heads TO chat_agent_app
  USING (org_id = nullif(current_setting('app.org', true), '')::uuid);
CREATE POLICY migrator ON anchor_heads TO chat_agent_owner USING (true);
CREATE POLICY archiver ON anchor_heads TO chat_agent_archiver USING (true);
GRANT SELECT ON anchor_heads TO chat_agent_app;
GRANT SELECT, INSERT, UPDATE ON anchor_heads TO chat_agent_archiver;
