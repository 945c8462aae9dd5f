-- A command's ask can wait for approval, too: its owner is the system, whose id is no UUID. And a policy is
-- told who else there is to approve the next one.

-- A request for approval, with what its requester now is in the project: nothing any more where it
-- was asked with an API token that has been revoked. What the system asked for has no person behind it.
CREATE OR REPLACE FUNCTION load_approval(p_project uuid, p_approval uuid) RETURNS json LANGUAGE plpgsql STABLE
AS $$
BEGIN
  RETURN (
    SELECT json_build_object('id', a.id, 'seq', a.seq, 'status', a.status, 'request', a.request,
      'preview', a.preview, 'digest', a.digest, 'role', a.role, 'count', a.count, 'at', iso(a.at),
      'expires_at', iso(a.expires_at), 'votes', a.votes,
      'voters', (
        SELECT json_object_agg(u.id, json_build_object(
          'role', CASE WHEN u.admin THEN 'admin' ELSE m.role END,
          'since', iso(CASE WHEN u.admin THEN u.created_at ELSE m.since END)))
        FROM users u LEFT JOIN members m ON m.user_id = u.id AND m.project_id = p_project
        WHERE u.disabled_at IS NULL
          AND u.id IN (SELECT (v->>'user')::uuid FROM jsonb_array_elements(a.votes::jsonb) v)),
      'requester', (
        SELECT json_build_object('username', u.username, 'attributes', u.attributes,
          'role', CASE WHEN NOT EXISTS (
            SELECT 1 FROM tokens t WHERE t.id::text = a.requester_id AND t.revoked_at IS NOT NULL)
            THEN role_of(u.id, p_project) END)
        FROM users u WHERE u.id::text = a.owner_id))
    FROM approvals a WHERE a.project_id = p_project AND a.id = p_approval);
END $$;

-- Somebody whom administration is about, how many active admins their organization has, and who else could
-- approve in the project: how many of each role and those above it.
CREATE OR REPLACE FUNCTION load_subject(p_project uuid, p_subject uuid) RETURNS json LANGUAGE plpgsql STABLE
AS $$
BEGIN
  RETURN (
    SELECT json_build_object('user', u.id, 'username', u.username, 'admin', u.admin,
      'disabled', u.disabled_at IS NOT NULL, 'role', m.role,
      'admins', (SELECT count(*) FROM users a WHERE a.admin AND a.disabled_at IS NULL),
      'others', (
        SELECT json_build_object(
          'admin', count(*) FILTER (WHERE o.admin OR om.role = 'admin'),
          'operator', count(*) FILTER (WHERE o.admin OR om.role IN ('admin', 'operator')))
        FROM users o LEFT JOIN members om ON om.user_id = o.id AND om.project_id = p_project
        WHERE o.disabled_at IS NULL AND o.id <> u.id))
    FROM users u LEFT JOIN members m ON m.user_id = u.id AND m.project_id = p_project
    WHERE u.id = p_subject);
END $$;
