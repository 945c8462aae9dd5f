-- No version of any object holds what this erasure took.
UPDATE erasures SET done_at = chat_agent_clock()
WHERE project_id = %(project)s::uuid AND seq = %(seq)s
