-- Let the manifest name the object that was written anew.
UPDATE archives SET key = %(key)s, version_id = %(version_id)s, sha256 = %(sha256)s, size = %(size)s
WHERE id = %(archive)s::uuid
