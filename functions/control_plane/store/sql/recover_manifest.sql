-- The objects of an organization's manifest, each with the ranges that its members hold.
SELECT a.id::text AS archive, a.key, (
  SELECT json_agg(json_build_array(r.project_id::text, r.first_seq, r.last_seq, r.head_hash)
    ORDER BY r.byte_offset)
  FROM archive_ranges r WHERE r.archive_id = a.id) AS ranges
FROM archives a WHERE a.org_id = %(org)s::uuid ORDER BY a.key
