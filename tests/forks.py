"""Trails that forked, recorded truly or with a lie in it, all of them archived and anchored."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.evidence import Files
from tests.shapes import Organization, days, identifier, set_back_once

type Claim = dict[str, Any]


@dataclass(frozen=True)
class Lie:
    """A recovery that records something else than what was abandoned."""

    name: str
    alter: Callable[[Organization, Claim], Claim | None] = lambda _, claim: claim
    otherwise: dict[str, Any] = field(default_factory=dict)


def _moved(member: str, by: int) -> Lie:
    return Lie(f"{member} {by:+}", lambda _, claim: {**claim, member: claim[member] + by})


def _set(name: str, member: str, value: Callable[[Organization, Claim], Any]) -> Lie:
    return Lie(name, lambda org, claim: {**claim, member: value(org, claim)})


def _anchors(organization: Organization) -> list[str]:
    keys = sorted(key for key in organization.files if key.startswith("anchors/"))
    return [key.split("/")[2].removesuffix(".json") for key in keys]


TRUE = Lie("true")
LIES = (
    Lie("nothing is recorded", lambda _org, _claim: None),
    Lie("by a user", otherwise={"principal": {"kind": "user", "id": "system"}}),
    Lie("by another action", otherwise={"action": "demo.counter.increment"}),
    Lie("refused", otherwise={"status": "rejected"}),
    *(_moved(member, by) for member in ("first_seq", "last_seq") for by in (-1, 1, 7)),
    _set("another hash", "hash", lambda _, claim: claim["hash"][::-1]),
    _set("no such anchor", "anchor", lambda *_: "2049-01-01T00:00:00.000000Z"),
    _set("an earlier anchor", "anchor", lambda org, _: _anchors(org)[-2]),
    _set("another project", "project", lambda org, _: identifier(org.chance)),
    _set("no number", "last_seq", lambda _, claim: str(claim["last_seq"])),
    Lie("one member more", lambda _, claim: {**claim, "more": 1}),
)


def trail(seed: int, lie: Lie = TRUE) -> tuple[Files, int]:
    """An organization's trail that forked once, and how many forks it records truly."""
    organization, seen = Organization(Random(seed)), []

    def alter(claims: list[Claim]) -> list[Claim]:
        seen.extend(claims)
        altered = (lie.alter(organization, claim) for claim in claims)
        return [claim for claim in altered if claim is not None]

    days(organization)
    if any(chain.seq for chain in organization.chains):
        set_back_once(organization, alter, **lie.otherwise)
    organization.archive("9999")
    organization.anchor()
    return organization.files, len(seen)


def forked_twice(seed: int) -> Files:
    """A trail that was set back twice, the second time also to before the first."""
    organization = Organization(Random(seed))
    backups = []
    for _ in range(3):
        days(organization)
        backups.append(organization.backup())
    for backup in (backups[-1], organization.chance.choice(backups)):
        days(organization)
        organization.set_back(backup)
        if not organization.chains:
            break  # to before anything was there: nothing is left that could say so
        organization.recover()
        organization.anchor()
    days(organization) if organization.chains else None
    return organization.files


def trails(count: int) -> Iterator[int]:
    """The seeds of so many trails that forked, with an anchor before the last one then."""
    seeds = (seed for seed in range(100 * count) if trail(seed)[1])
    for _, seed in zip(range(count), seeds, strict=False):
        yield seed
