-- Age in seconds of the oldest execution before a cutoff, of each project's oldest; 0 for none.
-- The purge of a purged project is never archived.
SELECT coalesce(extract(epoch FROM chat_agent_clock() - min(oldest.at)), 0) AS seconds
FROM projects p, LATERAL (
  SELECT e.at FROM executions e WHERE e.project_id = p.id ORDER BY e.at LIMIT 1) oldest
WHERE oldest.at < %(cutoff)s AND p.status <> 'purged'
