"""Everything that a decision reads."""

from collections.abc import Iterator, Mapping
from copy import replace
from typing import Literal

from msgspec import Struct, field

from control_plane.canonical import canonical_of_ours, sha256, stored
from control_plane.engine.policy import NO_POLICY, Policy
from control_plane.models import Approval, Decision, Erasable, Held, Json, Past, Principal
from control_plane.registry import Registry

type Stopped = Literal["project_archived", "project_paused", "organization_paused"]


class Context(Struct, frozen=True):
    """Loaded under the project's lock.

    `components` holds every component of the project, with its text where it was loaded; `past`
    the whole states at the versions that intents name; `at` is the database's clock after the
    lock, as records write it. `usage` has what the counters of `engine.counters` hold in the
    windows that `at` falls into; `person` the asking person's `username`, `email`, `attributes`;
    `approval` the request and `subject` the member that an intent is about; `stopped` is why the
    project does nothing now; `private` whether something comes with it that no record holds;
    `erased` those of the named versions whose state is gone, `erasable` the ranges to erase.
    """

    org: str
    project: str
    principal: Principal
    registry: Registry
    at: str
    seq: int
    version: int
    hash: str
    components: Mapping[str, Held]
    slug: str = ""
    past: Mapping[int, Past] = field(default_factory=dict)
    policy: Policy = NO_POLICY
    policy_version: int = 0
    usage: Mapping[str, int] = field(default_factory=dict)
    person: Mapping[str, Json] = field(default_factory=dict)
    stopped: Stopped | None = None
    approval: Approval | None = None
    subject: Mapping[str, Json] | None = None
    private: bool = False
    erased: frozenset[int] = frozenset()
    erasable: Mapping[tuple[int, int], Erasable] = field(default_factory=dict)

    def after(self, decision: Decision) -> "Context":
        """The context that the next decision of the same transaction sees.

        After one that waits for approval, it is as if that had been given.
        """
        usage = counted(self.usage, decision.attempt)
        if not decision.promises:
            return self if usage is self.usage else replace(self, usage=usage)
        left, usage = self.left_by(decision), counted(usage, decision.charge)
        return replace(self, version=self.version + 1, components=left, usage=usage)

    def left_by(self, decision: Decision) -> dict[str, Held]:
        """The components as they are after a decision."""
        changed = {**self.components, **decision.components}
        return {id: held for id, held in changed.items() if held is not None}

    @property
    def state(self) -> "States":
        """The loaded components' states by id, each read when it is asked for."""
        return States(self.components)


class States(Mapping[str, Json]):
    """States of components, parsed when they are asked for; those not loaded can't be."""

    def __init__(self, components: Mapping[str, Held]) -> None:
        self._components = components
        self._parsed: dict[str, Json] = {}

    def __getitem__(self, id: str) -> Json:
        if id not in self._parsed:
            text = self._components[id].text
            if text is None:
                raise LookupError(f"component {id} was not loaded for this decision")
            self._parsed[id] = stored(text)
        return self._parsed[id]

    def size_of(self, id: str) -> int:
        """Bytes of a component's canonical text."""
        return self._components[id].size

    def __iter__(self) -> Iterator[str]:
        return iter(self._components)

    def __len__(self) -> int:
        return len(self._components)


def counted(usage: Mapping[str, int], more: Mapping[str, int]) -> Mapping[str, int]:
    """The counters after so much more."""
    if not more:
        return usage
    return {**usage, **{name: usage.get(name, 0) + amount for name, amount in more.items()}}


def state_hash(components: Mapping[str, Held]) -> str:
    """SHA-256 over the components' ids and hashes: the whole state in one line."""
    return sha256(canonical_of_ours({id: held.hash for id, held in components.items()}))
