-- The moment before which whole UTC days are older than so many days; with 0, this moment.
SELECT CASE WHEN %(days)s = 0 THEN chat_agent_clock()
  ELSE date_trunc('day', chat_agent_clock() AT TIME ZONE 'UTC' - %(days)s * interval '1 day')
    AT TIME ZONE 'UTC' END AS cutoff
