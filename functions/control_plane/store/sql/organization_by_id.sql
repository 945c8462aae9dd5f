-- The caller's own organization.
SELECT id::text, slug, title FROM organizations WHERE id = %(org)s::uuid
