-- Every policy that a project has had, newest first, below a version.
-- As many as fit so many bytes of documents, one at the least; `found` counts them before that cut.
SELECT version, iso(at) AS at, document, found FROM (
  SELECT *, count(*) OVER () AS found, row_number() OVER (ORDER BY version DESC) AS place,
    sum(octet_length(document)) OVER (ORDER BY version DESC) AS size
  FROM (
    SELECT version, at, document FROM policies
    WHERE project_id = %(project)s::uuid AND (%(before)s::bigint IS NULL OR version < %(before)s)
    ORDER BY version DESC LIMIT %(limit)s) AS page) AS measured
WHERE place = 1 OR size <= %(bytes)s
ORDER BY version DESC
