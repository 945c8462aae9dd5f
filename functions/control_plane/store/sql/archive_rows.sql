-- An organization's executions of one UTC day before a cutoff, as they are archived.
SELECT project_id::text AS project, seq, version, at, hash, salt, payload, record
FROM executions
WHERE org_id = %(org)s::uuid AND at < %(cutoff)s
  AND project_id NOT IN (SELECT id FROM projects WHERE status = 'purged')
  AND at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
  AND at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
ORDER BY project_id, seq
