-- The version in force at an instant: that of the last success not after it.
SELECT coalesce(
  (SELECT version FROM executions
   WHERE project_id = %(project)s::uuid AND at <= %(at)s::timestamptz AND version IS NOT NULL
   ORDER BY at DESC, seq DESC LIMIT 1),
  (SELECT max(last_version) FROM archive_ranges
   WHERE project_id = %(project)s::uuid AND last_at <= %(at)s::timestamptz)) AS version
