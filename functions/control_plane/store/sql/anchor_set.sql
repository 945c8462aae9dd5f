-- Make an anchor the head of its organization's chain, over the one that was read; no row: it moved.
INSERT INTO anchor_heads AS head (org_id, at, sha256, waiting)
VALUES (%(org)s::uuid, %(at)s::timestamptz, %(sha256)s, %(text)s)
ON CONFLICT (org_id) DO UPDATE
  SET at = excluded.at, sha256 = excluded.sha256, waiting = excluded.waiting
  WHERE head.sha256 = %(over)s AND head.waiting IS NULL
RETURNING org_id
