-- A project's id by its slug.
SELECT id::text FROM projects WHERE slug = %(slug)s
