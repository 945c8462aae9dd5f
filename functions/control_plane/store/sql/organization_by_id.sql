-- The caller's own organization.
SELECT id::text, slug, title, paused FROM organizations WHERE id = %(org)s::uuid
