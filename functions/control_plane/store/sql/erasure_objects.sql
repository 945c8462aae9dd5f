-- The objects of the manifest that hold executions of a range.
SELECT a.id::text AS archive, a.bucket, a.key, a.version_id, a.sha256 FROM archives a
WHERE EXISTS (
  SELECT FROM archive_ranges r WHERE r.archive_id = a.id AND r.project_id = %(project)s::uuid
    AND r.first_seq <= %(last)s AND r.last_seq >= %(first)s)
ORDER BY a.key
