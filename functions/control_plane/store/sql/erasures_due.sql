-- Erasures that the archive has still to follow: those to rewrite objects for, or to clean up after.
SELECT org_id::text AS org, project_id::text AS project, seq, first_seq, last_seq, last_version
FROM erasures
WHERE done_at IS NULL AND (rewritten_at IS NOT NULL) = %(rewritten)s ORDER BY at, project_id, seq
