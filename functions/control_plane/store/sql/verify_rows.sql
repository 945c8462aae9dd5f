-- The executions of an organization, or of one project, that are not archived, in order.
SELECT project_id::text AS project, seq, version, iso(at) AS at, id::text, request_id, principal_id,
  owner_id, action, status, hash, salt, payload, record
FROM executions
WHERE org_id = %(org)s::uuid AND (%(project)s::text IS NULL OR project_id = %(project)s::uuid)
ORDER BY project_id, seq
