"""The policies that this process knows, so that an ask loads only one that has changed."""

from msgspec import Struct

from control_plane.engine.policy import NO_POLICY, Policy, PolicyRefused, Rule, policy_of
from control_plane.engine.rules import components_read

MOST = 1_000
"""Projects whose policy is kept; when there are more, all are forgotten and loaded again."""


class Known(Struct, frozen=True):
    """A project's policy, its version, and the components that its conditions read."""

    version: int
    policy: Policy
    components: frozenset[str] | None


UNREADABLE = Policy(rules=(Rule("unreadable-policy", 'state["."].x == 0', "reject"),))
"""Stands in for a stored policy that can't be read any more: its rule errs, and so denies."""

NONE = Known(0, NO_POLICY, frozenset())
_known: dict[str, Known] = {}


def known(project: str) -> Known:
    """What is known of a project's policy: none, until it has been learnt."""
    return _known.get(project, NONE)


def learn(project: str, version: int, text: str) -> Known:
    """Remember a project's policy by its stored text."""
    try:
        policy = policy_of(text)
    except PolicyRefused:  # what can be said has become less since: deny, but let it be replaced
        policy = UNREADABLE
    learnt = Known(version, policy, components_read(policy))
    if len(_known) >= MOST:
        _known.clear()
    _known[project] = learnt
    return learnt
