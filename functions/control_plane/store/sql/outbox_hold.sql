-- Hold every message that was not delivered, of all tenants.
UPDATE outbox SET held_at = chat_agent_clock(), next_at = 'infinity'
WHERE delivered_at IS NULL AND held_at IS NULL
