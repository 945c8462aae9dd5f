-- Current state, a row a component; one row without a component for a project that has none.
SELECT p.version, iso(p.at) AS at, c.id, c.state, c.hash
FROM projects p LEFT JOIN components c ON c.project_id = p.id
WHERE p.id = %(project)s::uuid ORDER BY c.id
