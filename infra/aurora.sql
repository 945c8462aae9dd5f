-- What Aurora needs besides control_plane/migrations/roles.sql, run after it by the master user in
-- database chat_agent. One statement, because the RDS Data API takes one; safe to repeat.
DO $$
DECLARE name text;
BEGIN
  -- Members of rds_iam sign in with IAM tokens and no longer with a password.
  FOREACH name IN ARRAY ARRAY['chat_agent_owner', 'chat_agent_app', 'chat_agent_archiver'] LOOP
    EXECUTE format('GRANT rds_iam TO %I', name);
  END LOOP;
  -- RDS made the database as the master's. Giving it away takes the right to become its new owner,
  -- which is handed back at once: the master keeps no way into the owner's schema.
  EXECUTE format('GRANT chat_agent_owner TO %I WITH SET TRUE, INHERIT FALSE', current_user);
  ALTER DATABASE chat_agent OWNER TO chat_agent_owner;
  EXECUTE format('REVOKE SET OPTION FOR chat_agent_owner FROM %I', current_user);
END $$;
