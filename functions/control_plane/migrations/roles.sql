-- The logins, made once per cluster by its superuser (on Aurora: the master user).
-- Row-level security rests on them: none may bypass it, the owner owns the schema and no more.
-- One statement, because the RDS Data API, by which Aurora's master runs it, takes one.
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['chat_agent_owner', 'chat_agent_app', 'chat_agent_archiver'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      EXECUTE format('CREATE ROLE %I LOGIN NOCREATEDB NOCREATEROLE NOINHERIT', name);
    END IF;
  END LOOP;
  -- lock < statement < idle <= 2 x lock < transaction < Lambda's timeout (28 s) < 30 s: a client that
  -- freezes inside a transaction loses its project's lock instead of holding it for ever.
  ALTER ROLE chat_agent_app SET lock_timeout = '5s';
  ALTER ROLE chat_agent_app SET statement_timeout = '6s';
  ALTER ROLE chat_agent_app SET idle_in_transaction_session_timeout = '8s';
  ALTER ROLE chat_agent_app SET transaction_timeout = '20s';
  ALTER ROLE chat_agent_app SET tcp_user_timeout = '8s';
  -- Plans are kept for a connection's life: one made while a table was small must not read it whole
  -- when it has grown.
  ALTER ROLE chat_agent_app SET enable_seqscan = off;
  -- The writing path's statements are planned once a connection. With statistics, PostgreSQL would
  -- plan them for each call's values, which takes longer than running them (0.25 ms of 1.3).
  ALTER ROLE chat_agent_app SET plan_cache_mode = force_generic_plan;
  ALTER ROLE chat_agent_app SET default_transaction_isolation = 'read committed';
  -- The archiver streams whole days, within a Lambda's 15 minutes.
  ALTER ROLE chat_agent_archiver SET lock_timeout = '5s';
  ALTER ROLE chat_agent_archiver SET statement_timeout = '14min';
  ALTER ROLE chat_agent_archiver SET idle_in_transaction_session_timeout = '60s';
  ALTER ROLE chat_agent_archiver SET tcp_user_timeout = '60s';
END $$;
