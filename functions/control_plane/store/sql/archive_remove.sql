-- Remove exactly one project's archived range, if it still is what was archived.
WITH removed AS (
  DELETE FROM executions
  WHERE project_id = %(project)s::uuid AND seq BETWEEN %(first_seq)s AND %(last_seq)s
    AND at < %(cutoff)s::timestamptz
  RETURNING seq, hash
), advanced AS (
  UPDATE projects SET archived_seq = %(last_seq)s
  WHERE id = %(project)s::uuid AND archived_seq = %(first_seq)s - 1
  RETURNING id
)
SELECT (SELECT count(*) FROM removed) AS rows, (SELECT count(*) FROM advanced) AS advanced,
  (SELECT hash FROM removed WHERE seq = %(last_seq)s) AS head_hash
