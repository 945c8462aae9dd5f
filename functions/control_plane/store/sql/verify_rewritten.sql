-- Objects of an organization's manifest that an erasure has written anew, or will, since it isn't done.
SELECT a.key FROM archives a
WHERE a.org_id = %(org)s::uuid AND EXISTS (
  SELECT FROM archive_ranges r JOIN erasures e ON e.project_id = r.project_id
    AND e.first_seq <= r.last_seq AND e.last_seq >= r.first_seq AND e.done_at IS NULL
  WHERE r.archive_id = a.id AND (%(project)s::text IS NULL OR r.project_id::text = %(project)s))
