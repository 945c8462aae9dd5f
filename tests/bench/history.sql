-- A long history at once: each project's last execution again and again, with the idempotency key
-- and the checkpoints that real ones leave. Chains don't verify; heads and sizes are right.

CREATE TEMPORARY TABLE bench_last AS
  SELECT p.id AS project, p.seq, p.version, p.at
  FROM projects p JOIN executions e ON e.project_id = p.id AND e.seq = p.seq
  WHERE e.action = %(action)s;

INSERT INTO executions
  (org_id, project_id, seq, version, at, id, request_id, principal_id, owner_id, action, status,
   hash, salt, payload, record)
  SELECT e.org_id, e.project_id, e.seq + n, e.version + n, e.at + n * interval '1 microsecond',
    uuidv7(), uuidv7()::text, e.principal_id, e.owner_id, e.action, e.status,
    encode(sha256(uuid_send(uuidv7())), 'hex'), e.salt, e.payload, e.record
  FROM generate_series(1, %(each)s) n, bench_last l
  JOIN executions e ON e.project_id = l.project AND e.seq = l.seq
  ORDER BY n, e.project_id;

INSERT INTO idempotency_keys
  (org_id, project_id, principal_id, request_id, body_hash, status, answer, at)
  SELECT k.org_id, k.project_id, k.principal_id, uuidv7()::text, k.body_hash, k.status, k.answer,
    k.at + n * interval '1 microsecond'
  FROM generate_series(1, %(each)s) n, idempotency_keys k
  JOIN bench_last l ON l.project = k.project_id AND l.at = k.at
  ORDER BY n, k.project_id;

INSERT INTO checkpoints (org_id, project_id, version, at, state)
  SELECT c.org_id, c.project_id, l.version + n, l.at + n * interval '1 microsecond',
    '{' || string_agg(to_json(c.id) || ':' || c.state, ',' ORDER BY c.id) || '}'
  FROM generate_series(1, %(each)s) n, bench_last l JOIN components c ON c.project_id = l.project
  WHERE (l.version + n) %% %(checkpoint_every)s = 0
  GROUP BY c.org_id, c.project_id, l.version, l.at, n;

UPDATE components c SET version = c.version + %(each)s FROM bench_last l
  WHERE c.project_id = l.project;
UPDATE projects p SET seq = p.seq + %(each)s, version = p.version + %(each)s,
    at = p.at + %(each)s * interval '1 microsecond'
  FROM bench_last l WHERE p.id = l.project;
