-- The current state of an organization, or of one project, by the hashes of its components.
SELECT project::text, id, hash, intact FROM component_hashes(%(org)s::uuid, %(project)s::uuid)
