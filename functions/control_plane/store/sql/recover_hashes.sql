-- The hashes of some of a project's executions, of those that aren't archived.
SELECT seq, hash FROM executions WHERE project_id = %(project)s::uuid AND seq = ANY(%(seqs)s)
