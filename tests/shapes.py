"""Clean trails of many shapes, made by chance: what a verifier must never complain of.

The records hold what a chain needs and some of everything else; real ones are in `evidence`.
"""

import hashlib
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import orjson
from control_plane.audit import hash_payload
from control_plane.canonical import canonical, sha256
from control_plane.models import GENESIS_HASH

from tests.corruptions import named, packed, unpacked
from tests.evidence import Files, anchor_text

TEXTS = ["", "plain", "ключ", '\u2028\u0000\\"/', "😀 ﬀ", "é e\u0301", "x" * 3000]
NUMBERS = [0, -1, 1.5, 1e21, 1e-7, 2**53 - 1, 5e-324, 333333333.3333333]


type Backup = tuple[list[dict[str, Any]], dict[str, int]]
"""An organization's chains and the manifest, as a database holds them."""
type Alter = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
"""What becomes of the claims that a recovery records."""


def identifier(chance: Random) -> str:
    """An id as projects and organizations have them."""
    return str(UUID(int=chance.getrandbits(128)))


@dataclass
class Chain:
    """A project's chain as it grows: what is archived of it, and what is live."""

    chance: Random
    org: str
    project: str
    seq: int = 0
    version: int = 0
    hash: str = GENESIS_HASH
    live: list[Any] = field(default_factory=list)
    archived: tuple[int, str] = (0, GENESIS_HASH)

    def execute(self, at: str) -> None:
        """One more execution, with any outcome."""
        status = self.chance.choice(
            ["success", "success", "rejected", "failed", "pending_approval"]
        )
        payload = {self.chance.choice(TEXTS): self.chance.choice([*NUMBERS, *TEXTS, None])}
        reasons = [{"code": self.chance.choice(TEXTS)}]
        self._append({"at": at, "status": status, "reasons": reasons}, payload)
        if self.chance.random() < 0.1:
            self.live[-1] |= {"payload": None, "salt": None}

    def recover(self, at: str, claims: list[Any], **otherwise: Any) -> None:
        """One that says what was abandoned when the database was set back."""
        system = {"kind": "system", "id": "system"}
        record = {"at": at, "status": "success", "action": "project.recover", "principal": system}
        self._append({**record, **otherwise}, {"inputs": {"abandoned": claims}})

    def _append(self, outcome: dict[str, Any], payload: dict[str, Any]) -> None:
        salt = f"{self.chance.getrandbits(128):032x}"
        record = {
            **{"v": 1, "org": self.org, "project": self.project, "seq": self.seq + 1},
            **{"request_id": f"r{self.seq}", "base_version": self.version},
            **{"prev_hash": self.hash, **outcome},
            "payload_hash": hash_payload(salt, canonical(payload)),
        }
        if outcome["status"] == "success":
            self.version += 1
            record["version"] = self.version
        self.seq, self.hash = self.seq + 1, sha256(canonical(record))
        self.live.append({"hash": self.hash, "record": record, "payload": payload, "salt": salt})

    def held(self) -> dict[str, Any]:
        """The chain in an anchor."""
        seq, hash = self.archived
        return {
            **{"project": self.project, "seq": self.seq, "hash": self.hash},
            **{"archived_seq": seq, "archived_hash": hash},
        }


def _held(chain: Chain) -> dict[str, Any]:
    return {name: value for name, value in vars(chain).items() if name != "chance"}


def _claim(held: dict[str, Any], first_seq: int, at: str) -> dict[str, Any]:
    last = {"last_seq": held["seq"], "hash": held["hash"], "anchor": at}
    return {"project": held["project"], "first_seq": first_seq, **last}


class Organization:
    """An organization's days: executions, archive runs, anchors, and runs that were killed."""

    def __init__(self, chance: Random) -> None:
        self.chance, self.id = chance, identifier(chance)
        self.chains = [
            Chain(chance, self.id, identifier(chance)) for _ in range(chance.randrange(1, 5))
        ]
        self.chains.sort(key=lambda chain: chain.project)
        self.now = datetime(2050, chance.randrange(1, 13), 28, tzinfo=UTC)
        self.files: Files = {}
        self._rows: dict[str, int] = {}
        self._anchor: bytes | None = None

    def at(self) -> str:
        """The moment, as records write it."""
        return self.now.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"

    def day(self) -> None:
        """One day of anything, or of nothing."""
        for _ in range(self.chance.choice([0, 0, 1, 5, 12])):
            self.now += timedelta(microseconds=self.chance.choice([0, 1, 10**9]))
            self.chance.choice(self.chains).execute(self.at())
        if self.chance.random() < 0.2:
            self.archive(self.at(), killed=True)
        if self.chance.random() < 0.6:
            self.archive(self.at())
        self.anchor()
        self.now = datetime(self.now.year, self.now.month, self.now.day, tzinfo=UTC) + timedelta(
            days=1
        )

    def archive(self, until: str, *, killed: bool = False) -> None:
        """Archive what is older, one object a day, or two; a killed run lists none of it."""
        days = sorted({line["record"]["at"][:10] for c in self.chains for line in c.live})
        for day in days[:1] if killed else days:
            lines = [
                line for c in self.chains for line in c.live if line["record"]["at"][:10] == day
            ]
            lines = [line for line in lines if line["record"]["at"] < until]
            cut = (
                self.chance.randrange(1, len(lines) + 1)
                if lines and self.chance.random() < 0.3
                else None
            )
            for part in (lines[:cut], lines[cut:] if cut else []):
                if part:
                    self._put(day, part, killed)
                if killed:
                    return

    def _put(self, day: str, lines: list[Any], killed: bool) -> None:
        body = packed(lines)
        number = sum(f"/dt={day}/" in key for key in self._rows)
        key = named(f"executions/org={self.id}/dt={day}/part-{number:04}-{'0' * 16}.jsonl.gz", body)
        self.files[key] = body
        if killed:
            return
        self._list(key, lines)

    def _list(self, key: str, lines: list[Any]) -> None:
        self._rows[key] = len(lines)
        for chain in self.chains:
            mine = [line for line in lines if line["record"]["project"] == chain.project]
            if mine:
                chain.live = chain.live[len(mine) :]
                chain.archived = (mine[-1]["record"]["seq"], mine[-1]["hash"])

    def backup(self) -> Backup:
        """The database as it is now."""
        return deepcopy(([_held(chain) for chain in self.chains], self._rows))

    def set_back(self, backup: Backup) -> None:
        """The database is as it was; what is archived of it is adopted, anchors are ahead of it."""
        listed, (chains, self._rows) = set(self._rows), deepcopy(backup)
        self.chains = [Chain(self.chance, **held) for held in chains if held["seq"]]
        objects = (key for key in self.files if key.startswith("executions/"))
        for key in sorted(objects, key=lambda key: (key not in listed, key)):
            self._adopt(key, unpacked(self.files[key]))

    def _adopt(self, key: str, lines: list[Any]) -> None:
        live = {line["hash"]: chain for chain in self.chains for line in chain.live}
        held = [(live.get(line["hash"]), line) for line in lines]
        if key in self._rows or not all(chain for chain, _ in held):
            return
        if {chain.live[0]["hash"] for chain, _ in held if chain} <= {x["hash"] for x in lines}:
            self._list(key, lines)

    def recover(self, alter: Alter = list, **otherwise: Any) -> None:
        """Each chain says what of it was abandoned, the first one also which others are lost."""
        anchor, recorded = orjson.loads(self._anchor or b""), []
        known = {held["project"]: held for held in anchor["projects"]}
        lost = sorted(set(known) - {chain.project for chain in self.chains})
        for number, chain in enumerate(self.chains):
            ends = [(known[id], 1) for id in lost if number == 0]
            held = known.get(chain.project)
            if held and held["seq"] > chain.seq:
                ends.append((held, chain.seq + 1))
            if ends:
                claims = [_claim(held, first, anchor["at"]) for held, first in ends]
                chain.recover(self.at(), alter(claims), **otherwise)
                recorded.append(canonical(chain.live[-1]) + "\n")
            elif number == 0:
                chain.recover(self.at(), [])
                recorded.append(canonical(chain.live[-1]) + "\n")
        self.files[f"forks/org={self.id}/{anchor['at']}-0000.jsonl"] = "".join(recorded).encode()

    def anchor(self) -> None:
        """Anchor what there is."""
        self.now += timedelta(microseconds=1)
        listed = [
            {"key": key, "sha256": hashlib.sha256(self.files[key]).hexdigest(), "rows": rows}
            for key, rows in sorted(self._rows.items())
        ]
        held = {"projects": [c.held() for c in self.chains if c.seq], "objects": listed}
        self._anchor = anchor_text(self.id, self.at(), self._anchor, held)
        self.files[f"anchors/org={self.id}/{self.at()}.json"] = self._anchor


def trails(count: int) -> Iterator[Files]:
    """So many clean trails, the same each time."""
    for seed in range(count):
        chance = Random(seed)
        files: Files = {}
        for _ in range(chance.choice([1, 1, 2, 3])):
            organization = Organization(chance)
            days(organization)
            if seed % 3 == 0 and any(chain.seq for chain in organization.chains):
                set_back_once(organization)
            if chance.random() < 0.3:  # a run ended, and its anchor is not there yet
                organization.archive("9999")
            files |= organization.files
        yield files


def days(organization: Organization) -> None:
    """Some days of anything."""
    for _ in range(organization.chance.randrange(1, 6)):
        organization.day()


def set_back_once(organization: Organization, alter: Alter = list, **otherwise: Any) -> None:
    """Some days are lost; what is known of them is recorded, or otherwise; and it goes on."""
    backup = organization.backup()
    days(organization)
    organization.set_back(backup)
    organization.recover(alter, **otherwise)
    organization.anchor()
    days(organization)
