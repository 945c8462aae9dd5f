-- An organization's people, newest first, below an id.
SELECT id::text, username, admin, attributes::json AS attributes, disabled_at IS NOT NULL AS disabled,
  must_change_password
FROM users WHERE (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
ORDER BY id DESC LIMIT %(limit)s
