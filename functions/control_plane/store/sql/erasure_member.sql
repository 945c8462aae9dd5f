-- Where a member lies in the object that was written anew.
UPDATE archive_ranges SET byte_offset = %(offset)s, byte_length = %(length)s
WHERE project_id = %(project)s::uuid AND first_seq = %(first_seq)s
