-- Count a failed attempt; from the fifth on, each doubles the wait, to 15 minutes at most.
UPDATE users SET failures = failures + 1,
  retry_at = CASE WHEN failures < 4 THEN '-infinity'
    ELSE chat_agent_clock() + least(power(2, failures - 4), 900) * interval '1 second' END
WHERE id = %(user)s::uuid
