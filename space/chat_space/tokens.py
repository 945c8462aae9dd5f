"""API tokens in words: what each scope allows, where a token holds, when it ends. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chat_space.client import ApiError

Json = dict[str, Any]

SCOPES = {
    "read": "See projects, their state and log, and preview what steps would do.",
    "execute": "Change state, under the same rules and limits as you. Scripts want Read with it.",
    "approve": "Decide about what others ask for, where you may.",
    "admin": "Members, policies, pauses, projects and people, as far as you may.",
}
FIRST_SCOPES = ("read", "execute")
DAYS, MOST_DAYS = 90, 366


@dataclass(frozen=True)
class Draft:
    """What the form for a new token holds. `where` is `all` or `some`; then `projects` counts."""

    name: str = ""
    scopes: tuple[str, ...] = FIRST_SCOPES
    where: str = "all"
    projects: tuple[str, ...] = ()
    days: str = str(DAYS)

    def asked(self) -> Json:
        """The body to send. Raises ApiError 422 with a sentence for what the form lacks."""
        if not self.name:
            raise _lacking("Give the token a name, so that you know later what it is for.")
        if not self.scopes:
            raise _lacking("Choose at least one thing that the token may do.")
        if self.where == "some" and not self.projects:
            raise _lacking("Choose at least one project, or all of them.")
        if not (self.days.isdecimal() and 1 <= int(self.days) <= MOST_DAYS):
            raise _lacking(f"A token holds for 1 to {MOST_DAYS} days.")
        some = {"projects": list(self.projects)} if self.where == "some" else {}
        return {"name": self.name, "scopes": list(self.scopes), "days": int(self.days), **some}


def _lacking(sentence: str) -> ApiError:
    return ApiError(422, "invalid_body", sentence)


def told(token: Json, projects: list[Json], now: datetime | None = None) -> Json:
    """A token as it is listed: `holds` says where, `status` is active, expired or revoked."""
    scopes = [scope for scope in SCOPES if scope in token["scopes"]]
    where, status = _where(token["projects"], projects), _status(token, now)
    return {**token, "scopes": scopes, "holds": where, "status": status}


def _where(ids: list[str] | None, projects: list[Json]) -> str:
    """The projects' titles; those that are gone, or not for whoever looks, are counted."""
    if ids is None:
        return "all projects"
    titles = [project["title"] for project in projects if project["id"] in ids]
    unseen = len(ids) - len(titles)
    gone = [f"{unseen} that {'is' if unseen == 1 else 'are'} gone"] if unseen else []
    return ", ".join([*titles, *gone])


def _status(token: Json, now: datetime | None) -> str:
    if token["revoked_at"]:
        return "revoked"
    over = datetime.fromisoformat(token["expires_at"]) <= (now or datetime.now(UTC))
    return "expired" if over else "active"
