-- The organizations whose trails are verified: one, or all.
SELECT id::text AS org, slug FROM organizations
WHERE %(slug)s::text IS NULL OR slug = %(slug)s ORDER BY slug
