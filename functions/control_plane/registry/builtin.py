"""Built-in actions: what administers a project or an organization, in its own chain.

Their handlers change no component; what they bring about is said by `engine.builtin`.
"""

from copy import replace
from typing import Annotated, Literal

from pydantic import BaseModel, Field, JsonValue

from control_plane.canonical import MAX_INTEGER
from control_plane.models import ID_PATTERN, Authority, Role
from control_plane.registry.declared import STRICT, Action, Changed, View

REVERT = "project.revert"
"""Brings back an earlier state; its handler gets that state as a view."""
MIGRATE = "project.migrate"
"""Brings the state to its declarations, asked by the system alone."""
SET_POLICY = "project.policy.set"
SET_MEMBER = "project.member.set"
REMOVE_MEMBER = "project.member.remove"
UPDATE = "project.update"
ARCHIVE, PAUSE, RESUME = "project.archive", "project.pause", "project.resume"
PURGE = "project.purge"
ERASE = "project.erase"
"""Takes the payloads of executions away, for good; its own stays, and says why."""
MOST_ERASED = 1_000
"""Executions that one erasure takes: what one request can look at."""
DECIDE_APPROVAL = "project.approval.decide"
WITHDRAW_APPROVAL = "project.approval.withdraw"
CREATE_USER, UPDATE_USER, SET_PASSWORD = "user.create", "user.update", "user.password"
PAUSE_ALL, RESUME_ALL = "organization.pause", "organization.resume"
SET_DEFAULT_POLICY = "organization.policy.set"
SETTING_POLICY = (SET_POLICY, SET_DEFAULT_POLICY)
ABOUT_SOMEBODY = (SET_MEMBER, REMOVE_MEMBER, UPDATE_USER, SET_PASSWORD)
"""Whom they are about is their input `user`."""
APPROVALS = (DECIDE_APPROVAL, WITHDRAW_APPROVAL)
CREATE_TOKEN, REVOKE_TOKEN = "token.create", "token.revoke"
"""Asked for by their own route alone: everybody makes tokens, and only for themselves."""

type Id = Annotated[str, Field(pattern=f"^{ID_PATTERN}$")]


class _Inputs(BaseModel):
    model_config = STRICT


class _Nothing(_Inputs):
    """No inputs."""


class _Revert(_Inputs):
    """Which version to go back to."""

    version: Annotated[int, Field(ge=0, le=MAX_INTEGER)]


class _Policy(_Inputs):
    """The whole policy document."""

    document: dict[str, JsonValue]


class _User(_Inputs):
    """Whom it is about."""

    user: Id


class _Member(_User):
    """Who gets which role."""

    role: Role


class _Title(_Inputs):
    """What people call it."""

    title: Annotated[str, Field(min_length=1, max_length=200)]


class _Slug(_Inputs):
    """Its name, typed once more."""

    slug: Annotated[str, Field(min_length=1, max_length=64)]


class _Range(_Inputs):
    """Which executions lose their payloads, and why; the reason is kept."""

    first_seq: Annotated[int, Field(ge=1, le=MAX_INTEGER)]
    last_seq: Annotated[int, Field(ge=1, le=MAX_INTEGER)]
    reason: Annotated[str, Field(min_length=1, max_length=2_000)]


class _Withdrawal(_Inputs):
    """Which request."""

    approval: Id


class _Vote(_Withdrawal):
    """What somebody says to a request."""

    decision: Literal["approve", "reject"]
    comment: Annotated[str, Field(max_length=2_000)] = ""


class _NewUser(_User):
    """Somebody new; the password comes outside the inputs, as a hash."""

    username: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9._@+-]{0,127}$")]
    admin: bool = False
    attributes: dict[str, JsonValue] = {}


class _UserUpdate(_User):
    """What changes about somebody; None leaves it as it is."""

    disabled: bool | None = None
    attributes: dict[str, JsonValue] | None = None


def _nothing(_: View, **_inputs: object) -> Changed:
    return {}


def _bring_back(past: View, version: int) -> Changed:  # noqa: ARG001 (the view is of that version)
    return dict(past)


def _action(id: str, inputs: type[BaseModel], title: str, role: Role = "admin") -> Action:
    return Action(
        id, _nothing, inputs, title, changes=(), administrative=True, required_role=role,
        visibility="developer",
    )  # fmt: skip


_APPROVING = (
    _action(DECIDE_APPROVAL, _Vote, "Decide a request", "operator"),
    _action(WITHDRAW_APPROVAL, _Withdrawal, "Withdraw a request", "viewer"),
)
_PROJECT = (
    _action(SET_POLICY, _Policy, "Set the policy"),
    _action(SET_MEMBER, _Member, "Give a member a role"),
    _action(REMOVE_MEMBER, _User, "Remove a member"),
    _action(UPDATE, _Title, "Rename the project"),
    _action(ARCHIVE, _Nothing, "Archive the project"),
    _action(PAUSE, _Nothing, "Pause the project"),
    _action(RESUME, _Nothing, "Resume the project"),
    _action(PURGE, _Slug, "Remove the project for good"),
    *_APPROVING,
)
_ORGANIZATION = (
    _action(CREATE_USER, _NewUser, "Make a user"),
    _action(UPDATE_USER, _UserUpdate, "Change a user"),
    _action(SET_PASSWORD, _User, "Set a user's password"),
    _action(PAUSE_ALL, _Nothing, "Pause the organization"),
    _action(RESUME_ALL, _Nothing, "Resume the organization"),
    _action(SET_DEFAULT_POLICY, _Policy, "Set the policy of new projects"),
)


def is_erasable(action: str) -> bool:
    """Whether an erasure takes an action's payload, as `erasable` in the database has it.

    Not that of administration, which a restore needs and which names people by ids alone; but of
    what changes states, and of what people say to requests.
    """
    return not action.startswith("project.") or action in (REVERT, MIGRATE, *APPROVALS)


def authority_of(action: Action) -> Authority:
    """What an API token must have been given to ask for an action."""
    if action.id == DECIDE_APPROVAL:
        return "approve"
    administers = action.administrative and action.id != WITHDRAW_APPROVAL
    return "admin" if administers else "execute"


def built_in(template: str, components: list[str]) -> list[Action]:
    """The built-in actions of a project of this template with these components."""
    if template == "system":
        return list(_ORGANIZATION)
    revert = Action(
        REVERT,
        _bring_back,
        _Revert,
        title="Go back to an earlier version",
        phrases=["go back to version {version}"],
        changes=[f"/{id}" for id in components],
        required_role="admin",
        risk="high",
    )
    erase = replace(
        _action(ERASE, _Range, "Erase what executions hold"),
        risk="high",
        declared_targets=components,  # it looks at the whole state
    )
    return [revert, erase, *_PROJECT]
