-- The hash of one execution that isn't archived.
SELECT hash FROM executions WHERE project_id = %(project)s::uuid AND seq = %(seq)s
