"""The values that travel between the rooms of the house: plain, typed, frozen, without I/O."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct, field

Json = Any  # dict[str, Json] | list[Json] | str | int | float | bool | None

Status = Literal["success", "rejected", "failed", "pending_approval"]
Role = Literal["viewer", "operator", "admin"]
Risk = Literal["low", "medium", "high"]
Authority = Literal["read", "execute", "approve", "admin"]
"""What an API token may be used for; a session may be used for all of it."""

ROLE_RANK: Mapping[Role | None, int] = {None: 0, "viewer": 1, "operator": 2, "admin": 3}

ID_PATTERN = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""What every id of ours looks like: a UUID in lower case."""

MAX_TEMPLATE_NAME, MAX_ACTION_ID = 64, 256
"""Characters that may be asked for; what is declared under a longer name never could be."""

MAX_STEPS = 10
"""Steps that are previewed, confirmed and committed as one."""

GENESIS_HASH = "0" * 64
"""`prev_hash` of a project's first execution."""


class Principal(Struct, frozen=True):
    """Who asks, as authentication found it; ids are opaque, `owner` is the person behind.

    `scopes` is what an API token leaves of what its owner may; None for all of it.
    """

    kind: Literal["user", "token", "webhook", "schedule", "system"]
    id: str
    owner: str
    via: str
    role: Role | None = None
    scopes: frozenset[Authority] | None = None

    def record(self) -> dict[str, Json]:
        """The principal as records name it."""
        named = {"kind": self.kind, "id": self.id, "owner": self.owner, "via": self.via}
        return {**named, "role": self.role} if self.role else named


SYSTEM = Principal(kind="system", id="system", owner="system", via="system", role="admin")
"""Asks for what the declarations themselves bring about, such as migrations."""


class Intent(Struct, frozen=True):
    """One asked-for action with inputs, as it came: neither has been checked."""

    action: str
    inputs: Mapping[str, Json]


class Held(Struct, frozen=True):
    """A component as stored: `text` is its canonical state, None where it was not loaded."""

    hash: str
    schema_version: int
    version: int
    size: int
    text: str | None = None


class Past(Struct, frozen=True):
    """A version as it was: states and schema versions by component, and the execution's seq."""

    components: Mapping[str, Json]
    schemas: Mapping[str, int] = field(default_factory=dict)
    seq: int | None = None


class Brought(Struct, frozen=True):
    """What executions have put into the state and should be gone from it.

    `placed` has the values with their places; `texts` those that were nowhere in the state before.
    """

    placed: frozenset[tuple[str, str | int | float]] = frozenset()
    texts: frozenset[str] = frozenset()


class Erasable(Struct, frozen=True):
    """A range of executions as an erasure finds it; they never change, so it needs no lock.

    `rows` is how many of them have a payload to erase, `waiting` the seq of one that waits for
    approval; `versions` and `moments` are the first and the last; `about` the waiting ones that
    they answered; `brought` what they put into the state, and `after` the state right after them,
    made at `after_at`, unless that was erased before.
    """

    whole: bool = False
    rows: int = 0
    waiting: int | None = None
    versions: tuple[int, int] | None = None
    moments: tuple[str, str] | None = None
    about: Sequence[int] = ()
    brought: Brought = Brought()
    after: Past | None = None
    after_at: str | None = None


class Reason(Struct, frozen=True):
    """Why a decision is not a success: a stable code with ids and integers, no sentence."""

    code: str
    facts: Mapping[str, Json] = field(default_factory=dict)

    def record(self) -> dict[str, Json]:
        """The reason as records hold it."""
        return {"code": self.code, **self.facts}


class Message(Struct, frozen=True):
    """What an action asks to send after it has committed: a topic and a JSON body."""

    topic: str
    body: Json


class Requirement(Struct, frozen=True):
    """Who must approve: so many people of a role; `because` names the rules that ask for it."""

    role: Role
    count: int
    expires_in: int | None = None
    because: Sequence[str] = ()

    def record(self) -> dict[str, Json]:
        """The requirement as previews show it, its expiry in seconds."""
        return {
            "role": self.role,
            "count": self.count,
            "expires_in": self.expires_in,
            "because": list(self.because),
        }


class Approval(Struct, frozen=True):
    """A request that waits for approval, or once did, as stored.

    `steps` are its intents, `step` the first that waits, and `person` what conditions see of the
    requester; `digest` binds their predicted effect, and `preview` shows it;
    `votes` has each decider's `{"user", "decision", "at"}`, and `standing` those of them who have
    the role that it takes, since before the request; `rates` has what the requester's own counters
    held before they asked.
    """

    id: str
    seq: int
    status: str
    requester: Principal
    kind: Literal["execution", "plan"]
    steps: Sequence["Intent"]
    request_id: str
    step: int
    person: Mapping[str, Json]
    digest: str
    preview: Mapping[str, Json]
    requirement: Requirement
    at: str
    expires_at: str | None
    votes: Sequence[Mapping[str, Json]] = ()
    standing: frozenset[str] = frozenset()
    rates: Mapping[str, int] = field(default_factory=dict)

    @property
    def deciders(self) -> list[str]:
        """Ids of the people who have approved and still may, in their order."""
        approved = [str(vote["user"]) for vote in self.votes if vote["decision"] == "approve"]
        return [user for user in approved if user in self.standing]


class Decision(Struct, frozen=True):
    """The engine's answer to one intent.

    `diff` is RFC 6902 (add, remove, replace, each with `before` where there was a value), rooted
    at the components object, and `effect_size` its size in bytes; `components` holds each changed
    component as it is to be stored, None where it is to be removed; `cost` is what the action costs
    if it succeeds; `messages` are sent only if it does, and so `effects` come about: what a
    built-in action does beside component state. `attempt` and `charge` are what it counts towards
    limits: the one in any case, the other only if it succeeds. One that waits for approval carries
    what it would change. `observed` names the rules that only watch and would have had a say.
    """

    action: str
    action_version: int
    inputs: Mapping[str, Json]
    status: Status
    reasons: Sequence[Reason] = ()
    diff: Sequence[dict[str, Json]] = ()
    components: Mapping[str, Held | None] = field(default_factory=dict)
    cost: int = 0
    title: str = ""
    risk: Risk = "low"
    confirmation: bool = False
    targets: Mapping[str, int] = field(default_factory=dict)
    messages: Sequence[Message] = ()
    effect_size: int = 0
    approval: Requirement | None = None
    effects: Sequence[Mapping[str, Json]] = ()
    attempt: Mapping[str, int] = field(default_factory=dict)
    charge: Mapping[str, int] = field(default_factory=dict)
    observed: Sequence[Mapping[str, Json]] = ()

    @property
    def changes(self) -> bool:
        """Whether it commits a new version."""
        return self.status == "success"

    @property
    def promises(self) -> bool:
        """Whether it would commit one, at once or when it is approved."""
        return self.status in ("success", "pending_approval")
