-- The executions by which a recovery or a restore is recorded already, as texts.
SELECT project_id::text AS project, hash, record, payload, salt FROM executions
WHERE org_id = %(org)s::uuid AND request_id = %(request)s AND action IN ('project.recover', 'project.restore')
