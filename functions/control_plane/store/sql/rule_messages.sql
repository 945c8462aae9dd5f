-- What rules of a project's policies say, by version and rule; nothing of one that says nothing.
SELECT p.version, r.rule ->> 'id' AS rule, r.rule ->> 'message' AS message
FROM policies p CROSS JOIN LATERAL json_array_elements(p.document::json -> 'rules') AS r (rule)
WHERE p.project_id = %(project)s::uuid AND r.rule ->> 'message' <> ''
  AND (p.version, r.rule ->> 'id') IN (SELECT * FROM unnest(%(versions)s::bigint[], %(rules)s::text[]))
