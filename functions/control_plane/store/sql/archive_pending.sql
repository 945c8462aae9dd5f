-- How many executions lie before a cutoff, by the numbers of the first and of the next.
SELECT coalesce(sum(greatest(0, coalesce(next.seq, p.seq + 1) - first.seq)), 0)::bigint AS rows
FROM projects p
CROSS JOIN LATERAL (
  SELECT seq FROM executions WHERE project_id = p.id ORDER BY seq LIMIT 1) first
LEFT JOIN LATERAL (
  SELECT seq FROM executions WHERE project_id = p.id AND at >= %(cutoff)s
  ORDER BY at, seq LIMIT 1) next ON true
WHERE p.status <> 'purged'
