-- Where an object's members lie, and which of their executions were erased.
SELECT r.project_id::text AS project, r.first_seq, r.byte_offset, r.byte_length, (
  SELECT json_agg(json_build_array(e.first_seq, e.last_seq)) FROM erasures e
  WHERE e.project_id = r.project_id AND e.first_seq <= r.last_seq AND e.last_seq >= r.first_seq
) AS erased
FROM archive_ranges r WHERE r.archive_id = %(archive)s::uuid ORDER BY r.byte_offset
