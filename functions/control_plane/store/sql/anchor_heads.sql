-- Each organization's, or one's, last anchor, and its text where it may not have reached its bucket.
SELECT o.id::text AS org, o.slug, iso(h.at) AS at, h.sha256, h.waiting
FROM organizations o LEFT JOIN anchor_heads h ON h.org_id = o.id
WHERE %(org)s::uuid IS NULL OR o.id = %(org)s::uuid ORDER BY o.id
