-- The version in force at an instant, of those whose executions are still here.
SELECT version FROM executions
WHERE project_id = %(project)s::uuid AND at <= %(at)s::timestamptz AND version IS NOT NULL
ORDER BY at DESC, seq DESC LIMIT 1
