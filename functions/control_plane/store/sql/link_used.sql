-- Use a link up, and say whom it signs in.
WITH used AS (
  DELETE FROM sign_in_links WHERE link_hash = %(link_hash)s RETURNING user_id, expires_at
)
SELECT u.id::text, u.password_hash, u.must_change_password
FROM used JOIN users u ON u.id = used.user_id
WHERE used.expires_at > chat_agent_clock() AND u.disabled_at IS NULL
