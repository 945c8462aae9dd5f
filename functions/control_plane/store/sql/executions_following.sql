-- Executions after a seq and of a time, oldest first; as many rows as fit so many bytes, one at the
-- least. `found` is the number of rows before that cut.
SELECT seq, hash, record, payload, salt, found FROM (
  SELECT *, count(*) OVER () AS found, row_number() OVER (ORDER BY seq) AS place,
    sum(octet_length(record) + coalesce(octet_length(payload), 0)) OVER (ORDER BY seq) AS size
  FROM (
    SELECT seq, hash, record, payload, salt FROM executions
    WHERE project_id = %(project)s::uuid AND seq > %(after)s
      AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
    ORDER BY seq LIMIT %(limit)s) AS page) AS measured
WHERE place = 1 OR size <= %(bytes)s
ORDER BY seq
