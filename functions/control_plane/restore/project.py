"""One project's chain, replayed: what its executions have brought about, and nothing else.

Knows no network and no database. Lines have been verified before (`control_plane.proof`); what is
checked here is that states follow from diffs, as each record's `state_hash` says.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from control_plane.audit import as_answer
from control_plane.canonical import canonical, sha256
from control_plane.engine.counters import stored_counter, window_end
from control_plane.engine.effects import Divergence, apply, tokens
from control_plane.journal import CHECKPOINT_EVERY
from control_plane.models import GENESIS_HASH, Held, Json
from control_plane.registry import builtin

KEYS_KEPT = timedelta(days=7)
"""How long what a repeated request is answered is kept, as the database's `retention()` says."""

type Record = Mapping[str, Any]
type Row = Mapping[str, Any]

CREATE = "project.create"
_STATUS = {builtin.ARCHIVE: "archived", builtin.PURGE: "purged"}


class Damaged(Exception):
    """The archive can't be restored as it is. Nothing was written; the message names the object."""


@dataclass
class Project:
    """A project as of the last execution that it was given.

    `policies` has version, moment and document; `members` role and since when, by user; `usage`
    what counts towards limits, by counter and window's end; `keys` what a repeated request is
    answered; `waiting` the requests for approval that nobody has decided, by seq; `lost_at`
    the first execution since which the state isn't known, as it was erased; `live` the last lines,
    which the archive doesn't hold as it is now.
    """

    org: str
    id: str
    slug: str = ""
    title: str = ""
    template: str = ""
    status: str = "active"
    paused: bool = False
    seq: int = 0
    version: int = 0
    hash: str = GENESIS_HASH
    at: str = ""
    policies: list[tuple[int, str, str]] = field(default_factory=list)
    members: dict[str, tuple[str, str]] = field(default_factory=dict)
    components: dict[str, Held] = field(default_factory=dict)
    usage: dict[tuple[str, str], int] = field(default_factory=dict)
    keys: dict[tuple[str, str], dict[str, Json]] = field(default_factory=dict)
    checkpoints: list[tuple[int, str, str, str, int]] = field(default_factory=list)
    waiting: dict[int, Record] = field(default_factory=dict)
    erasures: list[dict[str, Any]] = field(default_factory=list)
    lost_at: int | None = None
    archived: int | None = None
    _made: "array[int]" = field(default_factory=lambda: array("q"))
    live: list[Record] = field(default_factory=list)
    _state: dict[str, Json] = field(default_factory=dict)
    _schemas: dict[str, int] = field(default_factory=dict)

    def take(
        self,
        row: Row,
        record: Record,
        payload: Mapping[str, Any] | None,
        kept: Mapping[str, Any] | None = None,
    ) -> None:
        """The chain's next execution; `row` has its texts. Raises `Damaged`.

        `kept` is the proved state after it, where an erasure has kept that.
        """
        self.seq, self.hash, self.at = record["seq"], row["hash"], record["at"]
        self._count(record)
        self._forget_keys()
        self._remember(row, record)
        if record["status"] == "pending_approval":
            self.waiting[record["seq"]] = record
        elif record["trigger"] == "approval":
            self.waiting.pop(record.get("about", 0), None)
        if record["status"] == "success":
            self._succeed(record, payload, kept)

    def _succeed(
        self, record: Record, payload: Mapping[str, Any] | None, kept: Mapping[str, Any] | None
    ) -> None:
        self.version = record["version"]
        self._made.append(self.seq)
        self._schemas |= record["component_versions"]
        if kept:
            self._go_on_from(kept)
        elif payload is None:
            self.lost_at = self.lost_at or self.seq
        elif self.lost_at is None or payload["diff"]:
            self.check_known()
            self._change(record, payload["diff"])
        if payload is not None:
            self._administer(record["action"], payload["inputs"], record)
        if kept or (self.version % CHECKPOINT_EVERY == 0 and self.lost_at is None):
            self._keep_checkpoint()

    @property
    def archived_seq(self) -> int:
        """Up to where it is in the archive; of a tombstone, what is archived of the project."""
        return self.seq - len(self.live) if self.archived is None else self.archived

    def check_known(self) -> None:
        """Raise `Damaged` where the state isn't known: it was erased, and none after it is kept."""
        if self.lost_at is not None and self.status != "purged":
            raise Damaged(
                f"project {self.id}, seq {self.lost_at}: it was erased, and by seq {self.seq}"
                " no checkpoint has the state after it."
            )

    def _go_on_from(self, kept: Mapping[str, Any]) -> None:
        """Take a whole state that was kept."""
        self._state, self.lost_at = dict(kept["components"]), None
        self._schemas |= kept["schemas"]
        before, self.components = self.components, {}
        for id in self._state:
            self._hold(id)
            if id in before and before[id].hash == self.components[id].hash:
                self.components[id] = before[id]

    def _change(self, record: Record, diff: list[dict[str, Any]]) -> None:
        try:
            self._state = apply(self._state, diff)
        except Divergence as error:
            raise Damaged(f"project {self.id}, seq {self.seq}: {error}.") from error
        for id in sorted({tokens(operation["path"])[0] for operation in diff}):
            self._hold(id)
        held = {id: component.hash for id, component in self.components.items()}
        if sha256(canonical(held)) != record["state_hash"]:
            raise Damaged(f"project {self.id}, seq {self.seq}: its state is not the recorded one.")

    def _hold(self, id: str) -> None:
        if id not in self._state:
            del self.components[id]
            return
        text = canonical(self._state[id])
        size, schema = len(text.encode()), self._schemas[id]
        self.components[id] = Held(sha256(text), schema, self.version, size, text)

    def _administer(self, action: str, inputs: Mapping[str, Any], record: Record) -> None:
        """What a built-in action does beside component state."""
        if action == CREATE:
            self.slug, self.title, self.template = (
                inputs["slug"], inputs["title"], inputs["template"],
            )  # fmt: skip
        elif action == builtin.UPDATE:
            self.title = inputs["title"]
        elif action in (builtin.ARCHIVE, builtin.PAUSE, builtin.RESUME, builtin.PURGE):
            self.status = _STATUS.get(action, "active")
            self.paused = action == builtin.PAUSE
        elif action == builtin.SET_POLICY:
            version, document = record["policy_version"] + 1, canonical(inputs["document"])
            self.policies.append((version, record["at"], document))
        elif action == builtin.SET_MEMBER:
            if self.members.get(inputs["user"], ("", ""))[0] != inputs["role"]:
                self.members[inputs["user"]] = (inputs["role"], record["at"])
        elif action == builtin.REMOVE_MEMBER:
            self.members.pop(inputs["user"], None)
        elif action == builtin.ERASE:
            self._erase(inputs["first_seq"], inputs["last_seq"])

    def _erase(self, first: int, last: int) -> None:
        """What the range's versions were can't be read, also where its payloads still are."""
        versions = bisect_left(self._made, first) + 1, bisect_right(self._made, last)
        gone = range(*versions)
        self.checkpoints = [kept for kept in self.checkpoints if kept[0] not in gone]
        named = versions if versions[0] <= versions[1] else (None, None)
        self.erasures.append(
            {
                "seq": self.seq,
                "at": self.at,
                "first_seq": first,
                "last_seq": last,
                "first_version": named[0],
                "last_version": named[1],
            }
        )

    def _count(self, record: Record) -> None:
        for name, amount in record.get("usage", {}).items():
            counter = stored_counter(name, record["principal"]["owner"])
            window = (counter, window_end(name, record["at"]))
            self.usage[window] = self.usage.get(window, 0) + amount

    def _remember(self, row: Row, record: Record) -> None:
        """What the same request is answered when it comes again, as `requests.replay` reads it."""
        asked_for = record["trigger"] not in ("system", "approval")
        if not asked_for:
            return
        answer, plan = as_answer(row, {}), record.get("plan")
        self._keep_key(record, record["request_id"], "null" if plan else canonical(answer))
        if plan:
            before = self.keys.get((record["principal"]["id"], plan["id"]), {}).get("steps", [])
            steps = [*before, answer]
            whole = {"status": record["status"], "executions": steps}
            self._keep_key(record, plan["id"], canonical(whole), steps)

    def _keep_key(self, record: Record, id: str, answer: str, steps: Json = None) -> None:
        row = {"at": record["at"], "answer": answer, "steps": steps}
        self.keys[record["principal"]["id"], id] = row

    def _forget_keys(self) -> None:
        """Hold only a week's: they were put in the order of their moments."""
        oldest = (datetime.fromisoformat(self.at) - KEYS_KEPT).isoformat()
        for key in [*takewhile(lambda key: self.keys[key]["at"] < oldest, self.keys)]:
            del self.keys[key]

    def _keep_checkpoint(self) -> None:
        state, schemas = canonical(self._state), canonical(self._schemas)
        self.checkpoints.append((self.version, self.at, state, schemas, self.seq))
