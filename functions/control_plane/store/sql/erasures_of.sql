-- All of an organization's erasures.
SELECT project_id::text AS project, first_seq, last_seq, first_version, last_version
FROM erasures WHERE org_id = %(org)s::uuid
