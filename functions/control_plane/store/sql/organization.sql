-- The organization of this slug; without one, the first. Read before any tenant is known.
SELECT id::text, slug, title FROM organizations
WHERE slug = %(slug)s OR %(slug)s::text IS NULL
ORDER BY created_at, id LIMIT 1
