-- A link that signs somebody in, once; those that have run out go.
WITH ended AS (DELETE FROM sign_in_links WHERE expires_at < chat_agent_clock())
INSERT INTO sign_in_links (link_hash, org_id, user_id, expires_at)
SELECT %(link_hash)s, org_id, id, chat_agent_clock() + %(hours)s * interval '1 hour'
FROM users WHERE username = %(username)s AND disabled_at IS NULL
