-- Remove some of the executions of purged projects; each one's last, the purge itself, stays. Without
-- that one nothing is removed.
WITH gone AS (
  DELETE FROM executions e USING (
    SELECT x.project_id, x.seq FROM projects p
    JOIN executions purge ON purge.project_id = p.id AND purge.seq = p.seq
      AND purge.action = 'project.purge' AND purge.status = 'success'
    JOIN executions x ON x.project_id = p.id
    WHERE p.status = 'purged' AND x.seq < p.seq AND NOT p.org_id = ANY (%(without)s::uuid[])
    LIMIT 5000) doomed
  WHERE e.project_id = doomed.project_id AND e.seq = doomed.seq
  RETURNING 1)
SELECT count(*) AS rows FROM gone
