-- One object of the manifest with its ranges, as JSON.
SELECT json_build_object('org', a.org_id, 'day', a.day, 'bucket', a.bucket, 'key', a.key,
  'version_id', a.version_id, 'sha256', a.sha256, 'size', a.size, 'rows', a.rows,
  'archived_at', iso(a.at), 'ranges', (
    SELECT json_agg(json_build_object('project', r.project_id, 'first_seq', r.first_seq,
      'last_seq', r.last_seq, 'first_version', r.first_version, 'last_version', r.last_version,
      'first_at', iso(r.first_at), 'last_at', iso(r.last_at), 'head_hash', r.head_hash,
      'offset', r.byte_offset, 'length', r.byte_length) ORDER BY r.byte_offset)
    FROM archive_ranges r WHERE r.archive_id = a.id)) AS object
FROM archives a WHERE a.key = %(key)s
