-- How many objects an organization's day already has.
SELECT count(*) AS parts FROM archives WHERE org_id = %(org)s::uuid AND day = %(day)s
