-- The heads of an organization's chains, up to where each is archived, and whether it was purged: by its
-- last execution, or where a restore brought the tombstone alone back, by what it had taken.
SELECT p.id::text AS project, p.seq, p.hash, coalesce(r.last_seq, 0) AS archived_seq,
  coalesce(r.head_hash, repeat('0', 64)) AS archived_hash,
  p.status = 'purged' AND (
    EXISTS (SELECT FROM executions e WHERE e.project_id = p.id AND e.seq = p.seq
      AND e.action = 'project.purge' AND e.status = 'success')
    OR EXISTS (SELECT FROM erasures e WHERE e.project_id = p.id AND e.seq = p.seq)) AS purged
FROM projects p LEFT JOIN LATERAL (
  SELECT last_seq, head_hash FROM archive_ranges
  WHERE project_id = p.id ORDER BY first_seq DESC LIMIT 1) r ON true
WHERE p.org_id = %(org)s::uuid ORDER BY p.id::text COLLATE "C"
