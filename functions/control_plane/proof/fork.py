"""Forks: executions that were abandoned when a database was set back, as a later one records it."""

from dataclasses import dataclass
from typing import Any

from control_plane.models import GENESIS_HASH
from control_plane.proof.finding import Broken

RECORDS = ("project.recover", "project.restore")
"""Actions of the system alone: the first execution of a chain that goes on from an earlier one."""
NOT_A_FORK = "It records what was abandoned in another form than executions do."
_MEMBERS = {"project", "first_seq", "last_seq", "hash", "anchor"}


@dataclass(frozen=True, slots=True)
class Claim:
    """Executions of a project that one says were abandoned, up to the last that was known.

    `anchor` is the moment of the last anchor before that. Of another project than the execution's
    own it is all of them: that project is lost.
    """

    project: str
    first_seq: int
    last_seq: int
    hash: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Fork:
    """A claim that anchors agree with, and where its chain goes on from, unless it is lost.

    `known` is whether the anchor knew of the last abandoned execution.
    """

    claim: Claim
    hash: str = GENESIS_HASH
    version: int = 0
    lost: bool = False
    known: bool = True

    def covers(self, project: str, seq: int, hash: str) -> bool:
        """Whether an execution lies in what was abandoned."""
        claim = self.claim
        inside = claim.project == project and claim.first_seq <= seq <= claim.last_seq
        return inside and (seq < claim.last_seq or hash == claim.hash)


def claims_of(record: dict[str, Any], inputs: Any) -> tuple[Claim, ...] | None:
    """What an execution says was abandoned; None where it is no such record.

    Raises `Broken` where it says so in no known form.
    """
    principal = record.get("principal")
    by_system = isinstance(principal, dict) and principal.get("kind") == "system"
    recorded = record.get("action") in RECORDS and record["status"] == "success" and by_system
    if not (recorded and isinstance(inputs, dict) and "abandoned" in inputs):
        return None
    said = inputs["abandoned"]
    if not (isinstance(said, list) and all(map(_is_claim, said))):
        raise Broken(NOT_A_FORK)
    return tuple(Claim(**claim) for claim in said)


def _is_claim(said: Any) -> bool:
    if not (isinstance(said, dict) and set(said) == _MEMBERS):
        return False
    numbers = (said["first_seq"], said["last_seq"])
    texts = (said["project"], said["hash"], said["anchor"])
    return (
        all(type(number) is int for number in numbers)
        and 1 <= said["first_seq"] <= said["last_seq"]
        and all(isinstance(text, str) for text in texts)
    )
