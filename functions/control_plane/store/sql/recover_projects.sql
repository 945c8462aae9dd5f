-- Where an organization's chains stand.
SELECT id::text AS project, slug, template, seq, hash, status FROM projects
WHERE org_id = %(org)s::uuid ORDER BY slug = 'system' DESC, slug
