-- A state that an erasure has kept, for good: nothing else leads past what it took.
INSERT INTO checkpoints (org_id, project_id, version, at, state, schemas, seq, kept)
VALUES (%(org)s::uuid, %(project)s::uuid, %(version)s, %(at)s::timestamptz, %(state)s, %(schemas)s,
  %(seq)s, true)
ON CONFLICT (project_id, version) DO UPDATE SET kept = true
