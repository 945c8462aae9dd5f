-- Count an attempt before it is looked at, so that a hundred at once count as a hundred. From the
-- fifth on, each doubles the wait before the next, to a minute at most: nobody is locked out for
-- ever. No row: this one comes too soon. Counts older than a day are forgotten.
WITH forgotten AS (
  DELETE FROM login_attempts
  WHERE retry_at < chat_agent_clock() - interval '1 day' AND name_hash <> %(name_hash)s
)
INSERT INTO login_attempts AS known (org_id, name_hash, failures, retry_at)
VALUES (%(org)s::uuid, %(name_hash)s, 1, chat_agent_clock())
ON CONFLICT (org_id, name_hash) DO UPDATE SET failures = known.failures + 1,
  retry_at = chat_agent_clock() + CASE WHEN known.failures < 4 THEN interval '0'
    ELSE least(power(2, least(known.failures - 4, 6)), 60) * interval '1 second' END
WHERE known.retry_at <= chat_agent_clock()
RETURNING failures
