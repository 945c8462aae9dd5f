-- The successes that lead from one version to another.
SELECT version, record, payload FROM executions
WHERE project_id = %(project)s::uuid AND version > %(after)s AND version <= %(until)s
ORDER BY version
