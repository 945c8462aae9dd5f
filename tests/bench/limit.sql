-- The limit: the least that a lock, a read, an update, an audit row and a commit can cost.
-- Plain tables, short keys, no row-level security, no foreign keys, nothing sent but a number.

CREATE TABLE bench_state (
  project integer,
  id      text COLLATE "C",
  version bigint NOT NULL,
  state   text NOT NULL,
  PRIMARY KEY (project, id)
);

CREATE TABLE bench_audit (
  project integer,
  seq     bigint,
  at      timestamptz NOT NULL,
  record  text NOT NULL,
  PRIMARY KEY (project, seq)
);

-- The whole transaction in one call; the caller gets all of the state.
CREATE FUNCTION bench_limit(p_project integer) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  held text;
  next bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('bench:' || p_project, 0));
  SELECT string_agg(s.state, ',' ORDER BY s.id) INTO held FROM bench_state s
    WHERE s.project = p_project;
  UPDATE bench_state SET version = version + 1, state = lpad((version + 1)::text, 1024, ' ')
    WHERE project = p_project AND id = 'block_00' RETURNING version INTO next;
  INSERT INTO bench_audit VALUES (p_project, next, clock_timestamp(), repeat('x', 1024));
  RETURN held;
END $$;

INSERT INTO bench_state
  SELECT project, 'block_' || lpad(block::text, 2, '0'), %(each)s, repeat(' ', 1024)
  FROM generate_series(1, %(projects)s) project, generate_series(0, %(components)s - 1) block;

INSERT INTO bench_audit
  SELECT project, seq, clock_timestamp(), repeat('x', 1024)
  FROM generate_series(1, %(each)s) seq, generate_series(1, %(projects)s) project;

GRANT SELECT, INSERT, UPDATE ON bench_state, bench_audit TO chat_agent_app;
