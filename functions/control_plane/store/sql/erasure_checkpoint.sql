-- The state that an erasure has kept.
SELECT version, iso(at) AS at, state, schemas, seq FROM checkpoints
WHERE project_id = %(project)s::uuid AND version = %(version)s
