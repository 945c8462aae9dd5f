-- Whether an organization still has executions, not archived, of a UTC day or of before.
SELECT EXISTS (
  SELECT FROM projects p WHERE p.org_id = %(org)s::uuid AND p.status <> 'purged' AND EXISTS (
    SELECT FROM executions e WHERE e.project_id = p.id
      AND e.at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC')) AS left
