"""A project's archive objects, and its executions for taking away."""

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from control_plane import exporting, reading
from control_plane.api import bodies, shared

router = APIGatewayHttpRouter()

CONTENT_TYPES = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}


@router.get("/projects/<project>/archives")
def list_archives(
    project: str, limit: Annotated[int, Query(ge=1)] = 50, cursor: str | None = None
) -> Response[str]:
    """The objects that hold a project's archived executions, newest first.

    `rows` counts the whole object, which other projects of the organization are in as well.
    """
    target = shared.target_of(router, project)
    return shared.answer(reading.archives(shared.store(), target, limit, cursor))


@router.get("/projects/<project>/export")
def export(
    project: str,
    format: Literal["jsonl", "csv"] = "jsonl",
    since: bodies.Instant | None = None,
    until: bodies.Instant | None = None,
    cursor: str | None = None,
) -> Response[str]:
    """A page of executions as archived lines or as CSV, oldest first.

    The header `Next-Cursor` says where the next page goes on; without it, this is the last one.
    """
    target = shared.target_of(router, project)
    time = {"since": shared.iso(since), "until": shared.iso(until)}
    page = exporting.page(shared.store(), shared.archived(), target, format, cursor, **time)
    headers = {} if page.next_cursor is None else {"Next-Cursor": page.next_cursor}
    return Response(200, CONTENT_TYPES[format], page.text, headers=headers)
