-- How many executions there are to verify, archived and live.
SELECT (SELECT coalesce(sum(rows), 0) FROM archives WHERE org_id = %(org)s::uuid)
  + (SELECT count(*) FROM executions WHERE org_id = %(org)s::uuid) AS rows
