-- A person by name, as signing in needs them.
SELECT id::text, password_hash, must_change_password FROM users
WHERE username = %(username)s AND disabled_at IS NULL
