-- Whole seconds until the next attempt by this name is looked at.
SELECT greatest(1, ceil(extract(epoch FROM retry_at - chat_agent_clock())))::integer AS seconds
FROM login_attempts WHERE name_hash = %(name_hash)s
