-- An organization's people, newest first, below one of them. (Their ids follow no time.)
SELECT id::text, username, admin, attributes::json AS attributes, disabled_at IS NOT NULL AS disabled,
  must_change_password
FROM users
WHERE %(before)s::uuid IS NULL
  OR (created_at, id) < (SELECT b.created_at, b.id FROM users b WHERE b.id = %(before)s::uuid)
ORDER BY created_at DESC, id DESC LIMIT %(limit)s
