"""Brings the database's schema up to date; invoked once at every deployment."""

from typing import Any

from control_plane.migrations import migrate
from control_plane.observing.current import say
from control_plane.observing.functions import running
from control_plane.organizations import first_organization
from control_plane.settings import settings


@running("migrate")
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Migrate as the schema's owner; answers the version that the database now has.

    `{"organization": slug, "admin_password": …}` also makes that organization unless it is there;
    its admin must change the password at the first sign-in.
    """
    url = settings().chat_agent_owner_database_url
    answer: dict[str, Any] = {"schema": migrate(url)}
    if "organization" in event:
        made = first_organization(url, event["organization"], event["admin_password"])
        answer["made"] = made
    say(**answer)
    return answer
