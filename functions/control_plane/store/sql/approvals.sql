-- Requests for approval that a person may see, newest first, with what they are in each project.
-- As many rows as fit so many bytes of previews, one at the least; `found` counts them before that cut.
SELECT * FROM (
SELECT *, count(*) OVER () AS found, row_number() OVER (ORDER BY id DESC) AS place,
  sum(octet_length(preview)) OVER (ORDER BY id DESC) AS size
FROM (
SELECT a.id::text, a.seq, a.status, iso(a.at) AS requested_at, iso(a.expires_at) AS expires_at,
  coalesce(a.expires_at <= chat_agent_clock(), false) AS expired,
  a.owner_id, r.username AS requester, a.preview, a.role, a.count, a.votes,
  a.replaces::text AS replaces, p.id::text AS project, p.slug, p.title, p.template,
  mine.role AS my_role, iso(mine.since) AS my_since
FROM approvals a
JOIN projects p ON p.id = a.project_id
JOIN users me ON me.id = %(user)s::uuid AND me.disabled_at IS NULL
LEFT JOIN members m ON m.project_id = a.project_id AND m.user_id = me.id
CROSS JOIN LATERAL (SELECT
  CASE WHEN me.admin THEN 'admin' ELSE m.role END AS role,
  CASE WHEN me.admin THEN me.created_at ELSE m.since END AS since) mine
LEFT JOIN users r ON r.id::text = a.owner_id
WHERE mine.role IS NOT NULL
  AND (%(project)s::uuid IS NULL OR a.project_id = %(project)s::uuid)
  AND (%(only)s::uuid[] IS NULL OR a.project_id = ANY (%(only)s::uuid[]))
  AND (%(status)s::text IS NULL OR a.status = %(status)s)
  AND (%(before)s::uuid IS NULL OR a.id < %(before)s::uuid)
ORDER BY a.id DESC LIMIT %(limit)s
) AS page) AS measured
WHERE place = 1 OR size <= 2500000
ORDER BY id DESC
