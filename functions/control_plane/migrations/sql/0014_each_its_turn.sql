-- Requests that nobody can close here kept all others waiting: two hundred of them, and no tenant's
-- request expired any more. The clock goes past each, and asks for those alone that it could close.
DROP FUNCTION expired_approvals(integer);

-- Requests whose time has run out, the longest overdue first, beyond the one given: the clock's only
-- look across tenants, as the schema's owner, and it sees ids, moments and templates only.
CREATE FUNCTION overdue_approvals(
  p_templates text[], p_after timestamptz, p_after_id uuid, p_limit integer
) RETURNS TABLE (org uuid, project uuid, approval uuid, expires_at timestamptz, template text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT a.org_id, a.project_id, a.id, a.expires_at, p.template
  FROM approvals a JOIN projects p ON p.id = a.project_id
  WHERE a.status = 'pending' AND a.expires_at <= chat_agent_clock()
    AND (a.expires_at, a.id) > (p_after, p_after_id) AND p.template = ANY (p_templates)
  ORDER BY a.expires_at, a.id LIMIT p_limit
$$;

REVOKE EXECUTE ON FUNCTION overdue_approvals(text[], timestamptz, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION overdue_approvals(text[], timestamptz, uuid, integer) TO chat_agent_app;
