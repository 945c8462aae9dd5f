-- The policy in force; no row where there is none.
SELECT v.version, iso(v.at) AS at, v.document FROM projects p
JOIN policies v ON v.project_id = p.id AND v.version = p.policy_version
WHERE p.id = %(project)s::uuid
