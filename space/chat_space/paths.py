"""The API's paths. What a script or a form names is quoted: it names no other route."""

from urllib.parse import quote

from chat_space.wire import ApiError


def in_project(project: str) -> str:
    """The project's path."""
    return f"/projects/{segment(project, 'project')}"


def request(project: str, approval: str) -> str:
    """The path of a request for approval."""
    return f"{in_project(project)}/approvals/{segment(approval, 'request')}"


def member(project: str, username: str) -> str:
    """The path of somebody's membership."""
    return f"{in_project(project)}/members/{segment(username, 'member')}"


def user(username: str) -> str:
    """The path of one of the organization's people."""
    return f"/users/{segment(username, 'user')}"


def segment(name: str, what: str) -> str:
    """One part of a path. Raises ApiError 404 for a name that would lead elsewhere."""
    if name in ("", ".", ".."):
        raise ApiError(404, "not_found", f"There is no such {what}.")
    return quote(name, safe="")
