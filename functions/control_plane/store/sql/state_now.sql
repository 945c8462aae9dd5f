-- Current state, a row a component; one row without a component for a project that has none. `at` is
-- the moment of the version; where its execution is archived and no checkpoint tells it, of the head.
SELECT p.version, iso(coalesce(e.at, k.at, p.at)) AS at, c.id, c.state, c.hash
FROM projects p
LEFT JOIN executions e ON e.project_id = p.id AND e.version = p.version
LEFT JOIN checkpoints k ON k.project_id = p.id AND k.version = p.version
LEFT JOIN components c ON c.project_id = p.id
WHERE p.id = %(project)s::uuid ORDER BY c.id
