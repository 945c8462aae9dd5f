-- Open a session, if the password that was verified is still the one in force; forget those of
-- this person's that have ended. No row: it is not. A first password is used up by this.
WITH ended AS (
  DELETE FROM sessions WHERE user_id = %(user)s::uuid AND expires_at < chat_agent_clock()
), person AS (
  UPDATE users SET password_expires_at =
    CASE WHEN password_expires_at IS NOT NULL THEN chat_agent_clock() END
  WHERE id = %(user)s::uuid AND password_hash = %(password_hash)s AND disabled_at IS NULL
    AND (password_expires_at IS NULL OR password_expires_at > chat_agent_clock())
  RETURNING id, org_id
)
INSERT INTO sessions (token_hash, org_id, user_id, expires_at)
SELECT %(token_hash)s, org_id, id, chat_agent_clock() + %(hours)s * interval '1 hour'
FROM person
RETURNING iso(expires_at) AS expires_at
