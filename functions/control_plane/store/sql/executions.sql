-- The audit log, newest first, below a seq.
SELECT seq, hash, record, payload, salt FROM executions
WHERE project_id = %(project)s::uuid AND seq < %(before)s
  AND (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(action)s::text IS NULL OR action = %(action)s)
  AND (%(principal)s::text IS NULL OR principal_id = %(principal)s OR owner_id = %(principal)s)
  AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
ORDER BY seq DESC LIMIT %(limit)s
