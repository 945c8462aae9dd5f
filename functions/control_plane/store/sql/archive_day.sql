-- The oldest UTC day before a cutoff of which executions are still here, and whose they are.
WITH oldest AS (
  SELECT p.org_id, (
    SELECT e.at FROM executions e WHERE e.project_id = p.id AND e.at < %(cutoff)s
    ORDER BY e.at LIMIT 1) AS at
  FROM projects p WHERE p.status <> 'purged' AND NOT p.org_id = ANY (%(without)s::uuid[])
), days AS (
  SELECT DISTINCT org_id, (at AT TIME ZONE 'UTC')::date AS day FROM oldest WHERE at IS NOT NULL
)
SELECT org_id::text AS org, day,
  least(%(cutoff)s, (day + 1)::timestamp AT TIME ZONE 'UTC') AS until
FROM days WHERE day = (SELECT min(day) FROM days) ORDER BY org
