-- One API token, for what is about to be done with it.
SELECT id::text, user_id::text, token_hash FROM tokens WHERE id = %(id)s::uuid
