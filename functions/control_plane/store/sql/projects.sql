-- The projects that a person may see, with the role they have in each; a purged one and the organization's
-- own only by their ids.
SELECT p.id::text, p.slug, p.title, p.template, p.status, p.paused, p.seq, p.version, iso(p.at) AS at,
  role_of(%(user)s::uuid, p.id) AS role
FROM projects p
WHERE role_of(%(user)s::uuid, p.id) IS NOT NULL
  AND (p.id = %(project)s::uuid
    OR (%(project)s::uuid IS NULL AND p.status <> 'purged' AND p.template <> 'system'))
  AND (%(only)s::uuid[] IS NULL OR p.id = ANY (%(only)s::uuid[]))
  AND (%(before)s::uuid IS NULL OR p.id < %(before)s::uuid)
ORDER BY p.id DESC LIMIT %(limit)s
