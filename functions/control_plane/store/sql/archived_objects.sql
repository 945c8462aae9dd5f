-- The archive objects that hold executions of a project, newest first, below a seq.
SELECT a.bucket, a.key, a.sha256, a.rows, r.byte_length AS size, r.first_seq, r.last_seq, a.day::text
FROM archive_ranges r JOIN archives a ON a.id = r.archive_id
WHERE r.project_id = %(project)s::uuid AND (%(before)s::bigint IS NULL OR r.first_seq < %(before)s)
ORDER BY r.first_seq DESC LIMIT %(limit)s
