-- The heads of an organization's chains, up to where each is archived, and whether it was purged.
SELECT p.id::text AS project, p.seq, p.hash, coalesce(r.last_seq, 0) AS archived_seq,
  coalesce(r.head_hash, repeat('0', 64)) AS archived_hash,
  p.status = 'purged' AS purged
FROM projects p LEFT JOIN LATERAL (
  SELECT last_seq, head_hash FROM archive_ranges
  WHERE project_id = p.id ORDER BY first_seq DESC LIMIT 1) r ON true
WHERE p.org_id = %(org)s::uuid ORDER BY p.id::text COLLATE "C"
