"""Looking through the audit log for one execution, newest first."""

from collections.abc import Callable

from chat_space.client import Caller, Json


async def success(
    caller: Caller, project: str, fits: Callable[[Json], bool], pages: int, limit: int, **span: str
) -> Json | None:
    """The newest success that fits, of so many pages of `limit` within a span; None without one.

    Raises ApiError.
    """
    cursor = None
    for _ in range(pages):
        page = await caller.executions(project, limit, cursor, status="success", **span)
        found: Json | None = next(filter(fits, page["items"]), None)
        cursor = page["next_cursor"]
        if found or cursor is None:
            return found
    return None
