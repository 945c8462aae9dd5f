-- The seq after the last archived range that begins by a version or by an instant.
SELECT max(last_seq) + 1 AS before FROM archive_ranges
WHERE project_id = %(project)s::uuid
  AND (%(version)s::bigint IS NULL OR first_version <= %(version)s)
  AND (%(at)s::timestamptz IS NULL OR first_at <= %(at)s)
