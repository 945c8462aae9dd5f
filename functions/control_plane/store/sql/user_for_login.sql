-- A person who signs in, with how long they must still wait after failed attempts.
SELECT id::text, password_hash, must_change_password, disabled_at IS NOT NULL AS disabled,
  CASE WHEN retry_at > chat_agent_clock()
    THEN ceil(extract(epoch FROM retry_at - chat_agent_clock()))::integer ELSE 0 END AS wait_s
FROM users WHERE username = %(username)s
