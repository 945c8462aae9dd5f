-- A person's id by name, disabled or not.
SELECT id::text FROM users WHERE username = %(username)s
