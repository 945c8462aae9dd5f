-- One project's range in an object of the manifest.
INSERT INTO archive_ranges (org_id, project_id, archive_id, first_seq, last_seq, first_version,
  last_version, first_at, last_at, head_hash, byte_offset, byte_length)
VALUES (%(org)s, %(project)s, %(archive)s, %(first_seq)s, %(last_seq)s, %(first_version)s,
  %(last_version)s, %(first_at)s, %(last_at)s, %(head_hash)s, %(offset)s, %(length)s)
