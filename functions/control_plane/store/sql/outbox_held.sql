-- How many messages are held.
SELECT count(*) AS messages FROM outbox WHERE held_at IS NOT NULL
