-- Where a project's archived executions after a seq and of a time lie, oldest first, and which of
-- them were erased.
SELECT r.first_seq, r.last_seq, r.byte_offset, r.byte_length, a.bucket, a.key, a.version_id, (
  SELECT json_agg(json_build_array(e.first_seq, e.last_seq)) FROM erasures e
  WHERE e.project_id = r.project_id AND e.first_seq <= r.last_seq AND e.last_seq >= r.first_seq
) AS erased
FROM archive_ranges r JOIN archives a ON a.id = r.archive_id
WHERE r.project_id = %(project)s::uuid AND r.last_seq > %(after)s
  AND (%(since)s::timestamptz IS NULL OR r.last_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR r.first_at < %(until)s)
ORDER BY r.first_seq LIMIT %(limit)s
