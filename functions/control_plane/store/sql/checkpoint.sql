-- The last whole state at or before a version.
SELECT version, iso(at) AS at, state, schemas, seq FROM checkpoints
WHERE project_id = %(project)s::uuid AND version <= %(version)s ORDER BY version DESC LIMIT 1
