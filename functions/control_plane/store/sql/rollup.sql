-- A person's projects at a glance, newest first, below an id.
SELECT p.id::text, p.slug, p.title, p.status, p.paused, p.version, p.seq, iso(p.at) AS at,
  role_of(%(user)s::uuid, p.id) AS role,
  (v.document::json #>> '{limits,budget,daily}')::bigint AS budget,
  coalesce((SELECT u.used FROM usage u WHERE u.project_id = p.id AND u.counter = 'budget.day'
    AND u.ends_at > chat_agent_clock()), 0) AS used,
  (SELECT count(*) FROM approvals a WHERE a.project_id = p.id AND a.status = 'pending') AS pending
FROM projects p LEFT JOIN policies v ON v.project_id = p.id AND v.version = p.policy_version
WHERE p.template <> 'system' AND role_of(%(user)s::uuid, p.id) IS NOT NULL
  AND p.status <> 'purged' AND (%(only)s::uuid[] IS NULL OR p.id = ANY (%(only)s::uuid[]))
  AND (%(before)s::uuid IS NULL OR p.id < %(before)s::uuid)
ORDER BY p.id DESC LIMIT %(limit)s
