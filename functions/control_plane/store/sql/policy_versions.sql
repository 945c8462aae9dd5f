-- Every policy that a project has had, newest first, below a version.
SELECT version, iso(at) AS at, document FROM policies
WHERE project_id = %(project)s::uuid AND (%(before)s::bigint IS NULL OR version < %(before)s)
ORDER BY version DESC LIMIT %(limit)s
