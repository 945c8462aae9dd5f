-- Messages that are held are due now.
UPDATE outbox SET held_at = NULL, next_at = chat_agent_clock() WHERE held_at IS NOT NULL
