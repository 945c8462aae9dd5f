"""The shapes of request bodies, as the API's description shows them."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from control_plane.models import (
    ID_PATTERN,
    MAX_ACTION_ID,
    MAX_STEPS,
    MAX_TEMPLATE_NAME,
    Authority,
)
from control_plane.tokens import DAYS, MOST_DAYS


def _written_out(given: Any) -> Any:
    """A number would be read as seconds since 1970, and `2026` as a moment of that year's."""
    if isinstance(given, str) and given.strip("+-. 0123456789") == "":
        raise ValueError("Write a moment out (RFC 3339), such as 2026-11-25T12:00:00Z.")
    return given


Instant = Annotated[AwareDatetime, BeforeValidator(_written_out)]
LONGEST_PLAN_ID = 125
MAX_TITLE = 200
RequestId = Annotated[str, Field(min_length=1, max_length=128)]
PlanId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_PLAN_ID,
        description="Its steps' ids are this, / and a number.",
    ),
]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="A preview's digest.")]
ActionId = Annotated[str, Field(min_length=1, max_length=MAX_ACTION_ID)]
Slug = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]
Id = Annotated[str, Field(pattern=f"^{ID_PATTERN}$")]
USERNAME = "^[a-z0-9][a-z0-9._@+-]{0,127}$"
Username = Annotated[str, Field(pattern=USERNAME)]
Secret = Annotated[str, Field(min_length=1, max_length=1024)]
NewSecret = Annotated[Secret, Field(json_schema_extra={"minLength": 12})]
"""A password to set: use cases refuse a shorter one, with a sentence that people are shown."""


def _whole(value: Any) -> Any:
    """5.0 is 5: to JSON they are one number, and records write it so."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Body(BaseModel):
    """A request body: nothing that isn't described is let through."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Login(Body):
    """A user name and password; the organization's slug where there are several."""

    username: Annotated[str, Field(min_length=1, max_length=128)]
    password: Secret
    organization: Slug | None = None


class PasswordChange(Body):
    """The password in force, and the one to set."""

    current_password: Secret
    new_password: NewSecret


class NewProject(Body):
    """A project to make from a template."""

    slug: Slug
    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE)] | None = None
    template: Annotated[str, Field(min_length=1, max_length=MAX_TEMPLATE_NAME)] = "demo"


class Step(Body):
    """One asked-for action."""

    action: ActionId
    inputs: dict[str, JsonValue] = {}


Steps = Annotated[list[Step], Field(min_length=1, max_length=MAX_STEPS)]


class Preview(Body):
    """What to look ahead at; nothing is stored."""

    steps: Steps


class Execution(Step):
    """One action to execute; `confirm` is the digest of the preview that was confirmed.

    `replaces` is one's own waiting request that this one takes the place of.
    """

    request_id: RequestId | None = None
    confirm: Digest | None = None
    replaces: Id | None = None


class Plan(Body):
    """Several actions to execute as one; `confirm` is the digest of their preview."""

    request_id: PlanId | None = None
    steps: Steps
    confirm: Digest
    replaces: Id | None = None


class Revert(Body):
    """A version to go back to."""

    request_id: RequestId | None = None
    version: Annotated[int, Field(ge=0, le=2**53 - 1), BeforeValidator(_whole)]


class Erasure(Body):
    """Which executions lose what they hold, and why; the reason itself is kept."""

    request_id: RequestId | None = None
    first_seq: Annotated[int, Field(ge=1, le=2**53 - 1), BeforeValidator(_whole)]
    last_seq: Annotated[int, Field(ge=1, le=2**53 - 1), BeforeValidator(_whole)]
    reason: Annotated[str, Field(min_length=1, max_length=2_000)]


Status = Literal["success", "rejected", "failed", "pending_approval"]
ApprovalStatus = Literal["pending", "done", "rejected", "withdrawn", "expired", "superseded"]


class Nothing(Body):
    """An empty object."""


class Title(Body):
    """What people call it."""

    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE)]


class Link(Body):
    """A text that signs in once."""

    link: Secret


class NewUser(Body):
    """Somebody new, who must change this password first; an admin of the organization or not."""

    username: Username
    password: NewSecret
    admin: bool = False
    attributes: dict[str, JsonValue] = {}


class UserUpdate(Body):
    """What changes about somebody."""

    disabled: bool | None = None
    attributes: dict[str, JsonValue] | None = None


class NewPassword(Body):
    """A password that must be changed at the next sign-in."""

    password: NewSecret


class Purge(Body):
    """The project's slug, typed once more."""

    slug: Slug


class NewToken(Body):
    """An API token to make for oneself; `projects` are slugs or ids, all without any."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    scopes: Annotated[list[Authority], Field(min_length=1, max_length=4)]
    projects: Annotated[list[Slug], Field(min_length=1, max_length=100)] | None = None
    days: Annotated[
        int,
        Field(ge=1, le=MOST_DAYS, description="Days until it ends."),
        BeforeValidator(_whole),
    ] = DAYS


class Member(Body):
    """The role that somebody has in a project."""

    role: Literal["viewer", "operator", "admin"]


class Vote(Body):
    """What one says to a request."""

    decision: Literal["approve", "reject"]
    comment: Annotated[str, Field(max_length=2_000)] = ""


class WhatIf(Body):
    """Steps to look at under a policy; the one in force where none is given."""

    steps: Steps
    document: dict[str, JsonValue] | None = None
