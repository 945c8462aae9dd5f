-- Which template a project was made from.
SELECT template FROM projects WHERE id = %(project)s::uuid
