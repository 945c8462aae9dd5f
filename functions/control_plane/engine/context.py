"""Everything that a decision reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from control_plane.canonical import canonical_of_ours, sha256, stored
from control_plane.models import Decision, Held, Json, Principal
from control_plane.registry import Registry


@dataclass(frozen=True, slots=True)
class Context:
    """Loaded under the project's lock.

    `components` holds every component of the project, with its text where it was loaded; `past`
    the whole states at the versions that intents name; `at` is the database's clock after the
    lock, as records write it.
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
    past: Mapping[int, Mapping[str, Json]] = field(default_factory=dict)

    def after(self, decision: Decision) -> "Context":
        """The context that the next decision of the same transaction sees."""
        if not decision.changes:
            return self
        changed = {**self.components, **decision.components}
        left = {id: held for id, held in changed.items() if held is not None}
        return replace(self, version=self.version + 1, components=left)

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

    def __iter__(self) -> Iterator[str]:
        return iter(self._components)

    def __len__(self) -> int:
        return len(self._components)


def state_hash(components: Mapping[str, Held]) -> str:
    """SHA-256 over the components' ids and hashes: the whole state in one line."""
    return sha256(canonical_of_ours({id: held.hash for id, held in components.items()}))
