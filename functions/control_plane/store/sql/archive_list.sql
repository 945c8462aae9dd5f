-- The manifest, newest first.
SELECT a.org_id::text AS org, a.day::text, a.bucket, a.key, a.version_id, a.sha256, a.size, a.rows
FROM archives a ORDER BY a.day DESC, a.key DESC
