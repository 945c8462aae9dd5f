-- Where a project's chain and its archive stand, and its live executions from just before a seq on,
-- as many as fit so many rows and bytes, two at the least; all on one snapshot.
SELECT p.id::text AS project, p.seq AS head_seq, p.hash AS head_hash, p.version AS head_version,
  p.archived_seq, coalesce(a.hash, repeat('0', 64)) AS archived_hash,
  coalesce(a.at, '') AS archived_at, coalesce(a.version, 0) AS archived_version,
  (SELECT max(seq) FROM executions WHERE project_id = p.id) AS last_seq,
  e.seq, e.version, iso(e.at) AS at, e.id::text, e.request_id, e.principal_id, e.owner_id, e.action,
  e.status, e.hash, e.salt, e.payload, e.record
FROM projects p
LEFT JOIN LATERAL (
  SELECT max(head_hash) FILTER (WHERE last_seq = p.archived_seq) AS hash, iso(max(last_at)) AS at,
    max(last_version) AS version
  FROM archive_ranges WHERE project_id = p.id) a ON true
LEFT JOIN LATERAL (
  SELECT * FROM (
    SELECT *, row_number() OVER (ORDER BY seq) AS place,
      sum(octet_length(record) + coalesce(octet_length(payload), 0)) OVER (ORDER BY seq) AS size
    FROM (
      SELECT seq, version, at, id, request_id, principal_id, owner_id, action, status, hash, salt,
        payload, record
      FROM executions
      WHERE project_id = p.id AND seq >= greatest(%(from_seq)s, p.archived_seq + 1) - 1
      ORDER BY seq LIMIT %(rows)s) AS found) AS measured
  WHERE place <= 2 OR size <= %(bytes)s) e ON true
WHERE p.id = %(project)s::uuid
ORDER BY e.seq
