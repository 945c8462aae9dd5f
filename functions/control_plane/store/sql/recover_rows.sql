-- A range of a project's executions, as texts.
SELECT hash, record, payload, salt FROM executions
WHERE project_id = %(project)s::uuid AND seq BETWEEN %(first_seq)s AND %(last_seq)s ORDER BY seq
