-- The objects that an organization's day already has.
SELECT key FROM archives WHERE org_id = %(org)s::uuid AND day = %(day)s
