-- The objects of an organization's archive, or those that hold something of one project.
SELECT a.bucket, a.key, a.version_id, a.sha256, a.rows FROM archives a
WHERE a.org_id = %(org)s::uuid AND (%(project)s::text IS NULL OR EXISTS (
  SELECT FROM archive_ranges r
  WHERE r.archive_id = a.id AND r.project_id::text = %(project)s))
ORDER BY a.key
