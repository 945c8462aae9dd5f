-- The next run may begin: sooner than by closing the connection, which the server takes a while to see.
SELECT pg_advisory_unlock(hashtextextended('chat-agent:archive', 0)) AS over
