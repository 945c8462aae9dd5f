-- The policy that an organization's new projects start with.
SELECT default_policy AS document FROM organizations WHERE id = %(org)s::uuid
