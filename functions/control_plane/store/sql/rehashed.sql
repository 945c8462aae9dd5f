-- The same password, hashed with the parameters of today. No row: it has been changed meanwhile.
UPDATE users SET password_hash = %(after)s
WHERE id = %(user)s::uuid AND password_hash = %(before)s
RETURNING id
