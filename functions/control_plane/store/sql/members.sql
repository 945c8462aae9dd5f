-- A project's members by name, of one name where it is given.
SELECT u.id::text, u.username, m.role, iso(m.since) AS since
FROM members m JOIN users u ON u.id = m.user_id
WHERE m.project_id = %(project)s::uuid AND (%(username)s::text IS NULL OR u.username = %(username)s)
ORDER BY u.username LIMIT 1000
