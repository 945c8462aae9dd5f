-- Open a session, forget failed attempts and sessions that have ended.
WITH forgotten AS (
  UPDATE users SET failures = 0, retry_at = '-infinity' WHERE id = %(user)s::uuid AND failures > 0
), ended AS (
  DELETE FROM sessions WHERE user_id = %(user)s::uuid AND expires_at < chat_agent_clock()
)
INSERT INTO sessions (token_hash, org_id, user_id, expires_at)
VALUES (%(token_hash)s, %(org)s::uuid, %(user)s::uuid,
        chat_agent_clock() + %(hours)s * interval '1 hour')
RETURNING iso(expires_at) AS expires_at
