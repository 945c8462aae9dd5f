-- What was spent a day, today included, newest first; `now` is the database's clock.
SELECT iso(chat_agent_clock()) AS now, u.used, to_char(u.ends_at - interval '1 day', 'YYYY-MM-DD') AS day
FROM (SELECT 1) one LEFT JOIN usage u ON u.project_id = %(project)s::uuid
  AND u.counter = 'budget.day' AND u.ends_at > chat_agent_clock() - interval '7 days'
ORDER BY u.ends_at DESC
