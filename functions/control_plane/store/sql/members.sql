-- A project's members by name, of one name where it is given, after somebody's.
SELECT u.id::text, u.username, m.role, iso(m.since) AS since
FROM members m JOIN users u ON u.id = m.user_id
WHERE m.project_id = %(project)s::uuid AND (%(username)s::text IS NULL OR u.username = %(username)s)
  AND (%(after)s::uuid IS NULL
    OR u.username > (SELECT b.username FROM users b WHERE b.id = %(after)s::uuid))
ORDER BY u.username LIMIT %(limit)s
