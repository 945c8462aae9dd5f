"""The shapes of what asking brings about, for the API's description alone."""

from typing import Annotated, Literal, NotRequired, TypedDict

from pydantic import Field, JsonValue

from control_plane.api.answers import Count, Hash, JsonObject, Moment, NamedProject, Person
from control_plane.api.bodies import ApprovalStatus, Id, Status
from control_plane.models import Risk, Role


class Reason(TypedDict):
    """Why not; docs/errors.md has each code, which may have members of its own."""

    code: str


class Operation(TypedDict):
    """A change to a component (RFC 6902), with the value that was there before."""

    op: Literal["add", "remove", "replace"]
    path: str
    before: NotRequired[JsonValue]
    value: NotRequired[JsonValue]


class Principal(TypedDict):
    """Who asked, by opaque ids."""

    kind: Literal["user", "token", "webhook", "schedule", "system"]
    id: str
    owner: str
    via: str
    role: NotRequired[Role]


class Waiting(TypedDict):
    """A request for approval as an execution names it."""

    id: Id
    status: NotRequired[ApprovalStatus]
    role: NotRequired[Role]
    count: NotRequired[Count]
    approved: NotRequired[Count]
    expires_at: NotRequired[Moment | None]
    deciders: NotRequired[list[str]]


class ExecutionRecord(TypedDict):
    """One attempt as it is recorded: its record's and its payload's members side by side."""

    v: int
    org: Id
    project: Id
    seq: Annotated[int, Field(ge=1)]
    execution_id: Id
    request_id: str
    at: Moment
    principal: Principal
    username: NotRequired[str | None]
    trigger: str
    action: str
    action_version: Count
    status: Status
    reasons: list[Reason]
    explanations: list[str]
    cost: Count
    policy_version: Count
    base_version: Count
    version: NotRequired[Count]
    state_hash: NotRequired[Hash]
    inputs: NotRequired[JsonObject]
    diff: NotRequired[list[Operation]]
    about: NotRequired[Count]
    approval: NotRequired[Waiting]
    erased: NotRequired[bool]
    redacted: NotRequired[bool]
    hash: Hash
    prev_hash: Hash
    payload_hash: Hash


class TokenMade(ExecutionRecord):
    """The execution that made an API token. Its text is shown once: not when this comes again."""

    token_id: Id
    token: str | None


class PlanOutcome(TypedDict):
    """What a plan brought about: the executions of its steps, up to the first that was refused."""

    status: Status
    executions: list[ExecutionRecord]
    approval: NotRequired[Waiting]


class Requirement(TypedDict):
    """Who must approve; `because` names the rules that ask for it."""

    role: Role
    count: Count
    expires_in: Count | None
    because: list[str]


class OutgoingMessage(TypedDict):
    """What would be sent once a step has committed."""

    topic: str
    body: JsonValue


class PreviewStep(TypedDict):
    """What would become of one step; `messages` are what it would send."""

    action: str
    action_version: Count
    title: str
    inputs: JsonObject
    status: Status
    reasons: list[Reason]
    explanations: list[str]
    risk: Risk
    confirmation: bool
    cost: Count
    diff: list[Operation]
    messages: list[OutgoingMessage]
    approval: Requirement | None


class PreviewOutcome(TypedDict):
    """What would happen now; confirming `digest` makes it a promise."""

    digest: Hash
    base_version: Count
    at: Moment
    status: Status
    cost: Count
    budget: JsonObject | None
    approval: Requirement | None
    of: Count
    steps: list[PreviewStep]
    unlocks: NotRequired[list[JsonObject]]


class Decision(TypedDict):
    """What somebody has said to a request."""

    username: str | None
    decision: Literal["approve", "reject"]
    comment: str
    at: Moment


class ApprovalRequest(TypedDict):
    """A request that waits for approval, or once did."""

    id: Id
    project: NamedProject
    seq: Count
    status: ApprovalStatus
    requested_at: Moment
    expires_at: Moment | None
    requester: Person
    preview: PreviewOutcome | None
    role: Role
    count: Count
    decisions: list[Decision]
    mine: bool
    may_decide: bool
    replaces: Id | None


class Interpreter(TypedDict):
    """Who read a message."""

    kind: Literal["model", "phrases"]
    name: str
    note: str


class AskedStep(TypedDict):
    """A step to ask for."""

    action: str
    inputs: JsonObject


class Understood(TypedDict):
    """What a message was understood as: a proposal with its preview, an answer, a question back."""

    kind: Literal["proposal", "answer", "clarification"]
    message: str
    interpreter: Interpreter
    conversation_id: str | None
    steps: NotRequired[list[AskedStep]]
    preview: NotRequired[PreviewOutcome]
    suggestions: NotRequired[list[str]]
