-- API tokens of one person or of all, newest first, older than the one of an id; their texts are nowhere.
SELECT t.id::text, u.username AS owner, t.name, t.scopes, t.projects::text[] AS projects,
  iso(t.created_at) AS created_at, iso(t.expires_at) AS expires_at,
  iso(t.last_used_at) AS last_used_at, iso(t.revoked_at) AS revoked_at
FROM tokens t JOIN users u ON u.id = t.user_id
WHERE (%(owner)s::uuid IS NULL OR t.user_id = %(owner)s::uuid)
  AND (%(before)s::uuid IS NULL OR (t.created_at, t.id) <
    (SELECT b.created_at, b.id FROM tokens b WHERE b.id = %(before)s::uuid))
ORDER BY t.created_at DESC, t.id DESC LIMIT %(limit)s
