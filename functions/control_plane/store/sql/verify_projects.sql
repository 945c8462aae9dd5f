-- Where an organization's chains stand, or one project's, by its id or slug.
SELECT id::text AS project, seq, hash, version, archived_seq, status = 'purged' AS purged
FROM projects
WHERE org_id = %(org)s::uuid AND (%(project)s::text IS NULL OR %(project)s IN (id::text, slug))
ORDER BY id
