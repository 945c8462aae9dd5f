-- Seq and hash of the last archived execution of each of an organization's projects.
SELECT DISTINCT ON (project_id) project_id::text AS project, last_seq, head_hash
FROM archive_ranges WHERE org_id = %(org)s::uuid ORDER BY project_id, first_seq DESC
