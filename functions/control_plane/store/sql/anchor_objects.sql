-- The objects of an organization's manifest.
SELECT key, sha256, rows FROM archives WHERE org_id = %(org)s::uuid ORDER BY key COLLATE "C"
