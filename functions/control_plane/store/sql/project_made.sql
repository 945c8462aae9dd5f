-- The project that a principal has made with this request.
SELECT k.project_id AS id
FROM projects p
JOIN idempotency_keys k ON k.project_id = p.id AND k.principal_id = %(principal)s
  AND k.request_id = %(request)s
WHERE k.answer::json->>'action' = 'project.create'
