-- One object of the manifest.
INSERT INTO archives (id, org_id, day, bucket, key, version_id, sha256, size, rows, at)
VALUES (%(archive)s, %(org)s, %(day)s, %(bucket)s, %(key)s, %(version_id)s, %(sha256)s, %(size)s,
        %(rows)s, chat_agent_clock())
