"""What is measured: who asks, over which state and history, what way, and what is aimed at."""

from dataclasses import dataclass

KINDS = ("limit", "engine", "handler")


@dataclass(frozen=True, slots=True)
class Crowd:
    """Clients that ask at once, of so many projects; the engine's are threads of `processes`.

    `apart` from the server: each has half of the cores for itself, as if on a machine of its own.
    """

    name: str
    clients: int
    projects: int
    processes: int
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Ground:
    """What they find: a state of so many 1 KB components, and so many executions before theirs.

    `governed` ones have a policy: five rules, rates and a budget.
    """

    name: str
    components: int
    executions: int
    governed: bool = False


CROWDS = (
    Crowd("1-client", clients=1, projects=1, processes=1),
    Crowd("8-clients-1-project", clients=8, projects=1, processes=1),
    Crowd("8-clients-64-projects", clients=8, projects=64, processes=2),
)
APART = Crowd("8-clients-64-projects-apart", clients=8, projects=64, processes=2, apart=True)
FRESH = Ground("1kb", components=1, executions=0)
GOVERNED = Ground("policy", components=1, executions=0, governed=True)
GROUNDS = (
    FRESH,
    GOVERNED,
    Ground("50kb", components=50, executions=0),
    Ground("history-100k", components=1, executions=100_000),
)

TARGETS = {
    "engine/1-client/1kb": 0.33,
    "engine/8-clients-1-project/1kb": 0.22,
    "engine/8-clients-64-projects/1kb": 0.25,
    "engine/1-client/50kb": 0.30,
    "engine/1-client/policy": 0.30,
    "engine/8-clients-1-project/policy": 0.20,
    "engine/8-clients-64-projects/policy": 0.22,
    "handler/1-client/policy": 0.15,
}
"""The least ratio to the limit."""

FRESH_TARGETS = {"engine/1-client/history-100k": ("engine/1-client/1kb", 0.9)}
"""The least share of another case's ratio: a long history may cost no more than a tenth."""


def name_of(kind: str, crowd: Crowd, ground: Ground) -> str:
    """A case's name, as tables and JSON have it."""
    return f"{kind}/{crowd.name}/{ground.name}"
