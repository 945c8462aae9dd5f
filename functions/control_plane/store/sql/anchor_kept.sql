-- The anchor of this hash has been read back from its bucket.
UPDATE anchor_heads SET waiting = NULL WHERE org_id = %(org)s::uuid AND sha256 = %(sha256)s
