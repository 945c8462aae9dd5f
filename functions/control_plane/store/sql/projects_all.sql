-- All projects of an organization, for commands.
SELECT id::text, slug, title, template, status, paused, version, seq, iso(at) AS at
FROM projects WHERE template <> 'system' ORDER BY slug
