-- The moment of an anchor: this one, and later than the anchor before it.
SELECT iso(greatest(chat_agent_clock(), %(after)s::timestamptz + interval '1 microsecond')) AS at
