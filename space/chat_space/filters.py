"""What the audit log is filtered by, as typed, as asked, and as offered. Pure."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from typing import Any

from chat_space.client import ApiError
from chat_space.previews import ADMINISTRATION, action_title

Json = dict[str, Any]

STATUSES = {
    "success": "success",
    "rejected": "rejected",
    "failed": "failed",
    "pending_approval": "pending approval",
}


@dataclass(frozen=True)
class Filters:
    """An empty text filters nothing. `first` and `last` are whole days (UTC), both included."""

    status: str = ""
    action: str = ""
    person: str = ""
    first: str = ""
    last: str = ""

    @classmethod
    def of(cls, given: Any) -> "Filters":
        """The filters in what a browser sent; what is no text is as good as nothing."""
        named = {item.name: getattr(given, item.name, None) for item in fields(cls)}
        return cls.read(named)

    @classmethod
    def read(cls, given: Any) -> "Filters":
        """The filters in an object that the browser carried."""
        kept = given if isinstance(given, dict) else {}
        texts = {item.name: kept.get(item.name) for item in fields(cls)}
        return cls(**{name: text for name, text in texts.items() if isinstance(text, str)})

    def carried(self) -> Json:
        """The filters as an object for the browser to carry."""
        return asdict(self)

    def any(self) -> bool:
        """Whether anything is filtered."""
        return self != Filters()

    def asked(self) -> dict[str, str]:
        """The parameters to ask with. Raises ApiError 422 for a day that there is none of."""
        asked = {
            "status": self.status,
            "action": self.action,
            "principal": self.person,
            "since": _midnight(self.first, 0),
            "until": _midnight(self.last, 1),
        }
        return {name: text for name, text in asked.items() if text}


def _midnight(day: str, later: int) -> str:
    """The moment at which a day begins, so many days later."""
    if not day:
        return ""
    try:
        return f"{(date.fromisoformat(day) + timedelta(days=later)).isoformat()}T00:00:00Z"
    except (ValueError, OverflowError) as error:
        raise ApiError(422, "invalid_body", "Give days as year, month and day.") from error


def actions(registry: Json, rows: Iterable[Json], chosen: str) -> list[tuple[str, str]]:
    """The actions to choose from, as id and title: declared, administrative, and seen ones."""
    ids = {item["id"] for item in registry.get("actions", [])} | ADMINISTRATION.keys()
    ids |= {row["action"] for row in rows} | ({chosen} if chosen else set())
    return _by_name({id: action_title(id, registry) for id in ids})


def people(members: Iterable[Json], rows: Iterable[Json], chosen: str) -> list[tuple[str, str]]:
    """The people to choose from, as id and name: members, and who is seen in the log."""
    names = {chosen: "Somebody else"} if chosen else {}
    names |= {row["owner"]: row["who"] for row in rows if row["owner"]}
    return _by_name(names | {item["id"]: item["username"] for item in members})


def _by_name(names: dict[str, str]) -> list[tuple[str, str]]:
    return sorted(names.items(), key=lambda item: (item[1].lower(), item[0]))
