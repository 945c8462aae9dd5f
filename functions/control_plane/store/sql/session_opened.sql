-- Open a session, if the password that was verified is still the one in force; forget those of
-- this person's that have ended. No row: it is not.
WITH ended AS (
  DELETE FROM sessions WHERE user_id = %(user)s::uuid AND expires_at < chat_agent_clock()
)
INSERT INTO sessions (token_hash, org_id, user_id, expires_at)
SELECT %(token_hash)s, org_id, id, chat_agent_clock() + %(hours)s * interval '1 hour'
FROM users
WHERE id = %(user)s::uuid AND password_hash = %(password_hash)s AND disabled_at IS NULL
FOR SHARE
RETURNING iso(expires_at) AS expires_at
