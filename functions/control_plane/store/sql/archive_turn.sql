-- One run at a time; held until the connection closes. Never through RDS Proxy, which it would pin.
SELECT pg_try_advisory_lock(hashtextextended('chat-agent:archive', 0)) AS mine
