-- The first execution of a range that waits for approval.
SELECT min(seq) AS seq FROM approvals
WHERE project_id = %(project)s::uuid AND status = 'pending' AND seq BETWEEN %(first)s AND %(last)s
