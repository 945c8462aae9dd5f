-- An organization's people, newest first, below one of them. (Their ids follow no time.)
-- As many as fit so many bytes of attributes, one at the least; `found` counts them before that cut.
SELECT id::text, username, admin, attributes::json AS attributes, disabled, must_change_password, found
FROM (
  SELECT *, count(*) OVER () AS found, row_number() OVER (ORDER BY created_at DESC, id DESC) AS place,
    sum(octet_length(attributes)) OVER (ORDER BY created_at DESC, id DESC) AS size
  FROM (
    SELECT id, username, admin, attributes, disabled_at IS NOT NULL AS disabled,
      must_change_password, created_at
    FROM users
    WHERE %(before)s::uuid IS NULL
      OR (created_at, id) < (SELECT b.created_at, b.id FROM users b WHERE b.id = %(before)s::uuid)
    ORDER BY created_at DESC, id DESC LIMIT %(limit)s) AS page) AS measured
WHERE place = 1 OR size <= %(bytes)s
ORDER BY place
