-- Of the projects that a person may see, those with these slugs or ids; not the organization's own.
SELECT p.id::text, p.slug FROM projects p
WHERE (p.slug = ANY (%(names)s::text[]) OR p.id::text = ANY (%(names)s::text[]))
  AND p.status <> 'purged' AND p.template <> 'system' AND role_of(%(user)s::uuid, p.id) IS NOT NULL
