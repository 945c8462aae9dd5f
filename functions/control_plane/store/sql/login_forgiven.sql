-- The password was right: earlier failures count no more.
DELETE FROM login_attempts WHERE name_hash = %(name_hash)s
