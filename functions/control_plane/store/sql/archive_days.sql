-- The organizations' UTC days that hold executions before a cutoff, oldest first.
SELECT org_id::text AS org, (at AT TIME ZONE 'UTC')::date AS day, count(*) AS rows
FROM executions
WHERE at < %(cutoff)s AND project_id NOT IN (SELECT id FROM projects WHERE status = 'purged')
GROUP BY 1, 2 ORDER BY 2, 1
