"""The record: canonical, chained, and the same in a row, an answer and an archived line."""

import hashlib
import json

from control_plane.audit import Asking, as_answer, as_line
from control_plane.canonical import canonical
from control_plane.engine.decide import decide
from control_plane.journal import Journal
from control_plane.models import Intent
from control_plane.templates.demo import demo

from tests.unit.conftest import PERSON, MakeContext

REMEMBER = Intent("memory.remember", {"key": "ключ/~", "value": {"π": [1.5, None, "\u2028"]}})


def test_records_are_chained_and_hashes_can_be_recomputed(context_of: MakeContext) -> None:
    """Anybody with the texts can check every hash, and each record names the one before."""
    journal = Journal(context_of(demo))
    for index in range(3):
        decision = decide(REMEMBER, journal.context, confirmed=False)
        journal.append(decision, Asking(PERSON, f"r{index}", "api"))
    previous = "0" * 64
    for row in journal.batch().executions:
        record = json.loads(row["record"])
        assert hashlib.sha256(row["record"].encode()).hexdigest() == row["hash"]
        salted = bytes.fromhex(row["salt"]) + row["payload"].encode()
        assert hashlib.sha256(salted).hexdigest() == record["payload_hash"]
        assert record["prev_hash"] == previous
        previous = row["hash"]


def test_a_line_is_canonical_json_of_what_was_hashed(context_of: MakeContext) -> None:
    """The archived line holds the same texts, and reads back to them."""
    journal = Journal(context_of(demo))
    decision = decide(REMEMBER, journal.context, confirmed=False)
    journal.append(decision, Asking(PERSON, "r", "api"))
    [row] = journal.batch().executions
    line = json.loads(as_line(row))
    assert as_line(row) == canonical(line)
    assert canonical(line["record"]) == row["record"]
    assert canonical(line["payload"]) == row["payload"]
    assert set(line) == {"hash", "payload", "record", "salt"}


def test_an_erased_payload_is_null_and_the_record_still_stands(context_of: MakeContext) -> None:
    """Without payload and salt a line is still whole, and an answer says why."""
    journal = Journal(context_of(demo))
    journal.append(decide(REMEMBER, journal.context, confirmed=False), Asking(PERSON, "r", "api"))
    erased = {**journal.batch().executions[0], "payload": None, "salt": None}
    assert json.loads(as_line(erased))["payload"] is None
    assert as_answer(erased, {})["erased"] is True
