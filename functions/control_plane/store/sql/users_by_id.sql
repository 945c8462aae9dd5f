-- The names of people whom records name by id.
SELECT id::text, username FROM users WHERE id::text = ANY (%(ids)s)
