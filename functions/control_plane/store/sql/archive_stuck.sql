-- Of an organization whose oldest day has nothing to archive: the execution that is of that day, and the
-- one that comes before it and isn't. None where they are gone meanwhile.
SELECT p.id::text AS project, oldest.seq, first.seq AS first
FROM projects p
CROSS JOIN LATERAL (
  SELECT seq, at FROM executions WHERE project_id = p.id AND at < %(until)s::timestamptz
  ORDER BY at, seq LIMIT 1) oldest
CROSS JOIN LATERAL (
  SELECT seq FROM executions WHERE project_id = p.id ORDER BY seq LIMIT 1) first
WHERE p.org_id = %(org)s::uuid AND p.status <> 'purged' ORDER BY oldest.at LIMIT 1
