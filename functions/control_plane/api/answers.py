"""The shapes of answers, for the API's description alone: nothing imports them to answer."""

from typing import Annotated, Literal, NotRequired, TypedDict

from pydantic import Field, JsonValue

from control_plane.api.bodies import Id
from control_plane.models import Authority, Risk, Role

Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")]
Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
JsonObject = dict[str, JsonValue]


class Problem(TypedDict):
    """What went wrong (RFC 9457); some codes have members of their own, such as `preview`."""

    type: str
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: Annotated[str, Field(description="What happened, and what to do.")]
    code: Annotated[str, Field(description="Stable; docs/errors.md has each.")]
    errors: NotRequired[list[JsonObject]]


class Health(TypedDict):
    """Whether it works; `schema` is the database's version."""

    status: Literal["ok", "ready"]
    schema: NotRequired[str]


class Session(TypedDict):
    """A token to send as `Authorization: Bearer`."""

    token: str
    expires_at: Moment
    must_change_password: bool


class Person(TypedDict):
    """Somebody by id and name."""

    id: str
    username: str | None


class Organization(TypedDict):
    """The tenant that all of the caller's projects belong to."""

    id: Id
    slug: str
    title: str
    paused: bool


class Me(TypedDict):
    """Who the caller is."""

    user: Person
    organization: Organization
    admin: bool
    must_change_password: bool


class ArchiveObject(TypedDict):
    """An object of the archive, and which of the project's executions it holds.

    `rows` counts the whole object, which other projects of the organization may be in as well;
    `size` are the bytes that this project has in it.
    """

    bucket: str
    key: str
    sha256: Hash
    rows: Count
    size: Count
    first_seq: Count
    last_seq: Count
    day: str


class Finding(TypedDict):
    """A fault in a trail, and where it is."""

    problem: str
    object: str | None
    line: int | None
    project: str | None
    seq: int | None


class Place(TypedDict):
    """A number in a chain, and its hash."""

    seq: Count
    hash: Hash


class ChainCheck(TypedDict):
    """What one look at a chain found, what it looked at, and what it left out."""

    project: Id
    verified: bool
    finding: Finding | None
    rows: Count
    first_seq: Count | None
    last_seq: Count | None
    next_from_seq: Count | None
    head: Place
    archived: Place
    checked: str
    not_checked: list[str]


class Token(TypedDict):
    """An API token; its text is shown when it is made and kept nowhere."""

    id: Id
    owner: str
    name: str
    scopes: list[Authority]
    projects: list[Id] | None
    created_at: Moment
    expires_at: Moment
    last_used_at: Moment | None
    revoked_at: Moment | None


class User(TypedDict):
    """One of the organization's people."""

    id: Id
    username: str
    admin: bool
    attributes: JsonObject
    disabled: bool
    must_change_password: bool


class Membership(TypedDict):
    """Somebody with a role in a project."""

    id: Id
    username: str
    role: Role
    since: Moment


class NamedProject(TypedDict):
    """A project by id, slug and title."""

    id: Id
    slug: str
    title: str


class Project(NamedProject):
    """A project with the role that its reader has in it."""

    template: str
    status: Literal["active", "archived", "purged"]
    paused: bool
    seq: Count
    version: Count
    at: Moment
    role: Role


class Spending(TypedDict):
    """A daily budget and what of it is used."""

    limit: Count
    used: Count


class Glance(TypedDict):
    """A project at a glance; `pending` requests wait for approval."""

    project: NamedProject
    status: Literal["active", "archived"]
    paused: bool
    role: Role
    version: Count
    seq: Count
    at: Moment
    pending: Count
    budget: Spending | None


class Day(TypedDict):
    """What a day has used."""

    day: str
    used: Count


class Forecast(TypedDict):
    """What is left of today's budget."""

    limit: Count | None
    used: Count
    remaining: Count | None
    per_day: Count
    exhausted_at: Moment | None
    days: list[Day]


class DeclaredComponent(TypedDict):
    """A typed part of the state; `schema` is its JSON Schema."""

    id: str
    title: str
    description: str
    schema_version: int
    schema: JsonObject
    readable: bool


class DeclaredAction(TypedDict):
    """A declared change; `inputs` is the JSON Schema of what it takes."""

    id: str
    version: int
    title: str
    description: str
    phrases: list[str]
    targets: list[str]
    inputs: JsonObject
    risk: Risk
    confirmation: bool


class Registry(TypedDict):
    """What is declared in a project, as far as the caller may see it."""

    project: NamedProject
    registry: Hash
    components: list[DeclaredComponent]
    actions: list[DeclaredAction]


class State(TypedDict):
    """The state of every component that the caller may see; `at` is null at version 0."""

    version: Count
    at: Moment | None
    state_hash: Hash
    components: JsonObject


class Policy(TypedDict):
    """The policy in force; version 0 is none."""

    version: Count
    at: NotRequired[Moment]
    document: JsonObject


class DefaultPolicy(TypedDict):
    """The policy that new projects start with."""

    document: JsonObject
