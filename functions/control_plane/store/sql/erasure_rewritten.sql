-- No object of the manifest holds what this erasure took.
UPDATE erasures SET rewritten_at = chat_agent_clock()
WHERE project_id = %(project)s::uuid AND seq = %(seq)s
