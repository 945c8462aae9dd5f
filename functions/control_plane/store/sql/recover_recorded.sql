-- The projects in whose chains a recovery is recorded already.
SELECT project_id::text AS project FROM executions
WHERE org_id = %(org)s::uuid AND request_id = %(request)s AND action = 'project.recover'
