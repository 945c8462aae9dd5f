-- An organization's executions before a moment, as they are archived, by project and seq. Each
-- project's are read by its key up to the first that is not before the moment: in order, unsorted.
SELECT e.* FROM (
  SELECT id FROM projects WHERE org_id = %(org)s::uuid AND status <> 'purged' ORDER BY id) p
CROSS JOIN LATERAL (
  SELECT project_id, seq, coalesce(version, 0), iso(at) || hash, salt, payload, record
  FROM executions x
  WHERE x.project_id = p.id AND x.seq < coalesce((
    SELECT y.seq FROM executions y WHERE y.project_id = p.id AND y.at >= %(until)s::timestamptz
    ORDER BY y.at, y.seq LIMIT 1), 9223372036854775807)
  ORDER BY x.seq) e
