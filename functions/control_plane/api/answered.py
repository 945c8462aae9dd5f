"""What each route answers, by its function's name; what all of them do is in `description`."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from control_plane.api import answers, outcomes

type Shape = Any
"""A type that pydantic can describe; None for an answer without a body."""


class Page(NamedTuple):
    """A page of a list."""

    item: Shape


class Says(NamedTuple):
    """A route's answers: their shape, by status, and the problems that not all routes have.

    `asks` is for what becomes an execution: it takes an Idempotency-Key and may find a promise of
    before that no longer holds.
    """

    shape: Shape
    statuses: Sequence[int] = (200,)
    problems: Sequence[int] = ()
    asks: bool = False
    public: bool = False
    media: Sequence[str] = ("application/json",)


def _asks(shape: Shape, *statuses: int) -> Says:
    return Says(shape, statuses or (200,), (409,), asks=True)


_EXECUTION = outcomes.ExecutionRecord
_EITHER = outcomes.ExecutionRecord | outcomes.PlanOutcome
_BY_ROUTE = _asks(_EXECUTION, 200, 202)

ANSWERED: Mapping[str, Says] = {
    "openapi": Says(dict[str, Any], public=True),
    "livez": Says(answers.Health, public=True),
    "readyz": Says(answers.Health, public=True),
    "login": Says(answers.Session, problems=(401, 429), public=True),
    "login_by_link": Says(answers.Session, problems=(401,), public=True),
    "logout": Says(None, (204,)),
    "change_password": Says(None, (204,), (429,)),
    "me": Says(answers.Me),
    "list_projects": Says(Page(answers.Project)),
    "create_project": _asks(_EXECUTION),
    "get_project": Says(answers.Project),
    "update_project": _BY_ROUTE,
    "archive_project": _BY_ROUTE,
    "pause_project": _BY_ROUTE,
    "resume_project": _BY_ROUTE,
    "purge_project": _BY_ROUTE,
    "get_registry": Says(answers.Registry),
    "get_state": Says(answers.State, (200, 304), (410,)),
    "preview": Says(outcomes.PreviewOutcome),
    "execute": _asks(_EXECUTION, 200, 202),
    "execute_plan": _asks(outcomes.PlanOutcome, 200, 202),
    "list_executions": Says(Page(_EXECUTION)),
    "get_execution": Says(_EXECUTION),
    "list_archives": Says(Page(answers.ArchiveObject)),
    "export": Says(str, media=("application/x-ndjson", "text/csv; charset=utf-8")),
    "erase": _BY_ROUTE,
    "verify_chain": Says(answers.ChainCheck),
    "revert": _asks(_EXECUTION, 200, 202),
    "get_policy": Says(answers.Policy),
    "put_policy": _BY_ROUTE,
    "get_default_policy": Says(answers.DefaultPolicy),
    "put_default_policy": _BY_ROUTE,
    "list_policy_versions": Says(Page(answers.Policy)),
    "what_if": Says(outcomes.PreviewOutcome),
    "list_members": Says(Page(answers.Membership)),
    "get_member": Says(answers.Membership),
    "put_member": _BY_ROUTE,
    "delete_member": _BY_ROUTE,
    "forecast": Says(answers.Forecast),
    "list_mine": Says(Page(outcomes.ApprovalRequest)),
    "list_approvals": Says(Page(outcomes.ApprovalRequest)),
    "decide": _asks(_EITHER),
    "withdraw": _asks(_EITHER),
    "list_users": Says(Page(answers.User)),
    "list_tokens": Says(Page(answers.Token)),
    "create_token": Says(outcomes.TokenMade, problems=(404, 409), asks=True),
    "revoke_token": _asks(_EXECUTION),
    "create_user": _BY_ROUTE,
    "update_user": _BY_ROUTE,
    "set_password": _BY_ROUTE,
    "pause": _BY_ROUTE,
    "resume": _BY_ROUTE,
    "rollup": Says(Page(answers.Glance)),
    "chat": Says(outcomes.Understood),
}
