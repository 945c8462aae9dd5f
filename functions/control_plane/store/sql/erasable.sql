-- Executions of a range that are here, in order.
SELECT seq, record, payload FROM executions
WHERE project_id = %(project)s::uuid AND seq BETWEEN %(first)s AND %(last)s ORDER BY seq
