"""Approvals under races: what commits is what was approved, once, or nothing."""

import json
import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psycopg
import pytest
from control_plane import (
    approvals,
    deciding,
    execution,
    governance,
    identity,
    policies,
    reading,
    signing_in,
)
from control_plane.archive.reader import Archive
from control_plane.engine.preview import predict
from control_plane.errors import ApprovalSuperseded, ConfirmationStale, Unavailable
from control_plane.history import state_at_version
from control_plane.models import SYSTEM, Intent
from control_plane.observing.failures import described
from control_plane.registry import load_registries
from control_plane.requests import Request
from control_plane.store import Store
from control_plane.target import Target

from infra.local import bootstrap
from tests.conftest import ADMIN_PASSWORD, Database
from tests.integration.conftest import SetClock, clock_of

PEOPLE = ("operator", "approver", "viewer")
PASSWORD = "a password for races"


class Desk:
    """Project Harbor's people, each on connections of their own."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.store = Store(database.app)
        self._numbers = iter(range(1_000_000))

    def target(self, who: str) -> Target:
        """The project as somebody reaches it."""
        password = ADMIN_PASSWORD if who == "admin" else PASSWORD
        token = str(signing_in.login(self.store, who, password, None)["token"])
        caller = identity.authenticate(self.store, token, "harbor")
        return identity.target(caller, load_registries())

    def ask(self, target: Target, *intents: Intent) -> Any:
        """Ask for one action, or for several as a confirmed plan."""
        request_id = f"r-{next(self._numbers)}"
        if len(intents) == 1:
            request = Request("execution", request_id, intents, None)
        else:
            seen = execution.preview(self.store, Archive(self.store), target, intents)
            request = Request("plan", request_id, intents, seen["digest"])
        return execution.execute(self.store, Archive(self.store), target, request)

    def vote(self, target: Target, approval: str, decision: str = "approve") -> Any:
        """Decide about a request."""
        said = {"decision": decision, "comment": ""}
        request_id = f"v-{next(self._numbers)}"
        archive = Archive(self.store)
        return deciding.vote(self.store, archive, target, approval, said, request_id)

    def withdraw(self, target: Target, approval: str) -> Any:
        """Take a request back."""
        request_id = f"w-{next(self._numbers)}"
        return deciding.withdraw(self.store, Archive(self.store), target, approval, request_id)


@pytest.fixture
def set_clock(database: Database) -> SetClock:
    """Replace the database's clock."""
    return clock_of(database)


@pytest.fixture
def desk(database: Database) -> Desk:
    """Project Harbor with its people and policy."""
    store = Store(database.app)
    org = bootstrap.seed(store, ADMIN_PASSWORD)
    bootstrap._project(store, org, {"slug": "harbor", "title": "Harbor", "template": "harbor"})
    bootstrap.govern_harbor(store, org, dict.fromkeys(PEOPLE, PASSWORD))
    store.disconnect()
    return Desk(database)


def budget(total: int) -> Intent:
    """The ask that waits for approval."""
    return Intent("budget.set", {"total": total})


def executions(desk: Desk, target: Target) -> list[dict[str, Any]]:
    """Every execution of the project, oldest first."""
    items = reading.executions(
        desk.store, Archive(desk.store), target, 200, None,
        status=None, action=None, principal=None, since=None, until=None,
    )["items"]  # fmt: skip
    return list(reversed(items))


def assert_every_outcome_is_what_was_approved(desk: Desk, target: Target) -> None:
    """Each approved success brought about the very operations that its request had shown."""
    listed = executions(desk, target)
    done = [item for item in listed if item["status"] == "success" and "deciders" in str(item)]
    shown = {}
    for row in desk.store.read(
        target.org, "approvals", user=target.principal.owner, project=target.project,
        status=None, before=None, only=None, limit=200,
    ):  # fmt: skip
        shown[row["id"]] = row
    seen: set[str] = set()
    for item in done:
        if item["action"] != "budget.set":
            continue
        approval = item["approval"]["id"]
        assert approval not in seen, "an approval was used twice"
        seen.add(approval)
        assert shown[approval]["status"] == "done"
        promised = json.loads(shown[approval]["preview"])["steps"][0]["diff"]
        assert item["diff"] == promised
        before = state_at_version(desk.store, Archive(desk.store), target, item["version"] - 1)
        assert before["components"]["budget"]["total"] == promised[0]["before"]


def run_at_once(actions: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run all of these at the same moment, each in its thread; what each answered or raised."""
    gate = threading.Barrier(len(actions))

    def run(action: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return action()
        except (ApprovalSuperseded, ConfirmationStale) as error:
            return error

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


@pytest.mark.parametrize("seed", range(12))
def test_random_interleavings_never_commit_another_effect(desk: Desk, seed: int) -> None:
    """Mutations, approvals, withdrawals and new asks at once, on connections of their own."""
    chance = random.Random(seed)
    operator, approver, admin = map(desk.target, ("operator", "approver", "admin"))
    waiting = [desk.ask(operator, budget(500 + n))["approval"]["id"] for n in range(1, 4)]
    actions: list[Callable[[], Any]] = []
    for approval in waiting:
        actions += [partial(desk.vote, decider, approval) for decider in (approver, admin)]
        if chance.random() < 0.5:
            actions.append(partial(desk.withdraw, operator, approval))
    for total in chance.sample(range(400, 480), 3):
        actions.append(partial(desk.ask, admin, budget(total)))
    actions.append(partial(desk.ask, operator, budget(510)))
    chance.shuffle(actions)
    run_at_once(actions)
    assert_every_outcome_is_what_was_approved(desk, admin)


def test_without_the_second_decision_another_effect_would_be_committed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests above see it when what was approved isn't compared with what would happen."""

    def blindly(journal: Any, approval: Any, deciders: Any, late: Any) -> Any:
        journal.act_as(approval)
        prediction = predict(approval.steps, journal.context, late=late).granted()
        outcome = approvals.outcome_of(approval, approval.requester, deciders)
        return approvals._done(journal, approval, prediction, outcome)

    monkeypatch.setattr(approvals, "carry_out", blindly)
    operator, approver = desk.target("operator"), desk.target("approver")
    waiting = desk.ask(operator, budget(550))["approval"]["id"]
    desk.ask(approver, budget(400))
    desk.vote(approver, waiting)
    with pytest.raises(AssertionError):
        assert_every_outcome_is_what_was_approved(desk, approver)


def test_two_approvers_at_once_use_a_request_up_once(desk: Desk) -> None:
    """One of them carries it out; the other is told that it is closed."""
    operator, approver, admin = map(desk.target, ("operator", "approver", "admin"))
    waiting = desk.ask(operator, budget(550))["approval"]["id"]
    answers = run_at_once([lambda: desk.vote(approver, waiting), lambda: desk.vote(admin, waiting)])
    assert sorted(answer["status"] for answer in answers) == ["rejected", "success"]
    carried = [i for i in executions(desk, admin) if i["action"] == "budget.set"]
    assert [item["status"] for item in carried] == ["pending_approval", "success"]


def test_budgets_are_exact_when_many_ask_at_once(desk: Desk) -> None:
    """Of 100 a day, asks of 10 each fit ten times, however many come at the same moment."""
    admin = desk.target("admin")
    asks = [partial(desk.ask, admin, budget(600 + n)) for n in range(16)]
    statuses = [answer["status"] for answer in run_at_once(asks)]
    assert statuses.count("success") == 10
    assert statuses.count("rejected") == 6
    assert governance.forecast(desk.store, admin)["remaining"] == 0


def test_the_clock_closes_what_has_expired(desk: Desk, set_clock: SetClock) -> None:
    """At its moment a request is over: it can't be approved, and the tick records its end."""
    admin, operator, approver = map(desk.target, ("admin", "operator", "approver"))
    policy = {"approvals": [{"actions": ["budget.set"], "expires_in": "2h"}]}
    assert desk.ask(admin, Intent("project.policy.set", {"document": policy}))["version"]
    waiting = desk.ask(operator, budget(550))["approval"]
    assert waiting["expires_at"] is not None
    assert governance.tick(desk.database.app)["expired"] == 0
    set_clock("clock_timestamp() + interval '121 minutes'")
    late = desk.vote(approver, waiting["id"])
    assert [reason["code"] for reason in late["reasons"]] == ["approval_expired"]
    assert governance.tick(desk.database.app)["expired"] == 1
    last = executions(desk, admin)[-1]
    assert (last["status"], last["principal"]["kind"]) == ("rejected", "system")
    assert [reason["code"] for reason in last["reasons"]] == ["approval_expired"]
    assert governance.tick(desk.database.app)["expired"] == 0


def test_a_rule_that_reads_rates_sees_those_of_when_it_was_asked(
    desk: Desk, set_clock: SetClock
) -> None:
    """Whoever approves an hour later, and their own asks, make no other promise of it."""
    admin, operator, approver = map(desk.target, ("admin", "operator", "approver"))
    often = {"id": "often", "condition": "usage.hour >= 1", "effect": "require_approval"}
    desk.ask(admin, Intent("project.policy.set", {"document": {"rules": [often]}}))
    desk.ask(operator, Intent("checklist.tick", {"item": "tests"}))
    waiting = desk.ask(operator, Intent("incident.resolve", {}))
    assert waiting["status"] == "pending_approval"
    set_clock("clock_timestamp() + interval '61 minutes'")
    assert desk.vote(approver, waiting["approval"]["id"])["status"] == "success"


WAITS = {"approvals": [{"actions": ["project.member.*"], "expires_in": "2h"}]}


def command(desk: Desk) -> tuple[Target, Intent]:
    """The system's own ask, as commands make it: here to give the viewer another role."""
    admin, viewer = desk.target("admin"), desk.target("viewer").principal.owner
    assert desk.ask(admin, Intent("project.policy.set", {"document": WAITS}))["version"]
    asking = Target(admin.org, admin.project, SYSTEM, admin.registry)
    return asking, Intent("project.member.set", {"user": viewer, "role": "operator"})


def ask_as_command(desk: Desk) -> str:
    """The id of the request that it opens."""
    asking, intent = command(desk)
    request = Request("execution", "c-1", [intent], None, "command")
    done = execution.execute(desk.store, Archive(desk.store), asking, request)
    assert done["status"] == "pending_approval"
    return str(done["approval"]["id"])


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_what_a_command_asked_for_is_decided_by_people(desk: Desk, decision: str) -> None:
    """It waits like anybody's request, and any admin can decide: it is nobody's own."""
    waiting = ask_as_command(desk)
    decided = desk.vote(desk.target("admin"), waiting, decision)
    assert decided["status"] == ("success" if decision == "approve" else "rejected")
    assert decided["principal"]["kind"] == "system"
    role = desk.target("viewer").principal.role
    assert role == ("operator" if decision == "approve" else "viewer")


def test_what_a_command_asked_for_expires(desk: Desk, set_clock: SetClock) -> None:
    """The clock closes it at its moment."""
    ask_as_command(desk)
    set_clock("clock_timestamp() + interval '121 minutes'")
    assert governance.tick(desk.database.app)["expired"] == 1


def test_a_request_that_cannot_be_closed_keeps_no_other_waiting(
    desk: Desk, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All others are closed, however few are read at a time; then the failure is raised."""
    monkeypatch.setattr(governance, "OVERDUE_AT_ONCE", 1)
    admin, operator = desk.target("admin"), desk.target("operator")
    policy = {"approvals": [{"actions": ["budget.set"], "expires_in": "2h"}]}
    desk.ask(admin, Intent("project.policy.set", {"document": policy}))
    broken, other = (desk.ask(operator, budget(total))["approval"]["id"] for total in (550, 560))
    set_clock("clock_timestamp() + interval '121 minutes'")
    expire = deciding.expire

    def failing(store: Store, target: Target, approval: str) -> bool:
        if approval == broken:
            raise ValueError("a row that nobody foresaw")
        return expire(store, target, approval)

    monkeypatch.setattr(deciding, "expire", failing)
    with pytest.raises(ExceptionGroup) as failed:
        governance.tick(desk.database.app)
    assert ["ValueError" in cause for cause in described(failed.value)["causes"]] == [True]
    assert other in json.dumps(executions(desk, admin)[-1])
    monkeypatch.undo()
    assert governance.tick(desk.database.app)["expired"] == 1


def test_requests_of_a_template_that_is_not_installed_keep_no_other_waiting(
    desk: Desk, set_clock: SetClock
) -> None:
    """Another deployment closes them; they fail nothing here, and don't even come up."""
    ask_as_command(desk)
    set_clock("clock_timestamp() + interval '121 minutes'")
    for template, expired in (("gone", 0), ("harbor", 1)):
        with psycopg.connect(desk.database.superuser) as connection:
            connection.execute(
                "UPDATE projects SET template = %s WHERE slug = 'harbor'", [template]
            )
        assert governance.tick(desk.database.app)["expired"] == expired


def test_a_project_that_is_busy_keeps_no_other_waiting(
    desk: Desk, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first request that can't be closed in time is its last one in this run."""
    admin, operator = desk.target("admin"), desk.target("operator")
    policy = {"approvals": [{"actions": ["budget.set"], "expires_in": "2h"}]}
    desk.ask(admin, Intent("project.policy.set", {"document": policy}))
    waiting = [desk.ask(operator, budget(total))["approval"]["id"] for total in (550, 560, 570)]
    set_clock("clock_timestamp() + interval '121 minutes'")
    tried: list[str] = []

    def busy(_store: Store, _target: Target, approval: str) -> bool:
        tried.append(approval)
        raise Unavailable()

    monkeypatch.setattr(deciding, "expire", busy)
    with pytest.raises(ExceptionGroup):
        governance.tick(desk.database.app)
    assert len(tried) == 1
    assert tried[0] in waiting


def test_a_policy_that_would_lock_out_is_refused_when_it_is_approved(desk: Desk) -> None:
    """Who could approve the next one is counted beside its author, whoever decides about it."""
    admin, operator, approver = map(desk.target, ("admin", "operator", "approver"))

    def policy(role: str) -> Intent:
        rule = {"actions": ["project.policy.set"], "required_role": role}
        return Intent("project.policy.set", {"document": {"approvals": [rule]}})

    other = {"user": approver.principal.owner}
    assert desk.ask(admin, policy("operator"))["status"] == "success"
    desk.ask(admin, Intent("project.member.set", {**other, "role": "admin"}))
    waiting = desk.ask(admin, policy("admin"))["approval"]["id"]
    desk.ask(admin, Intent("project.member.remove", other))
    done = desk.vote(operator, waiting)
    assert done["status"] == "rejected"
    assert [reason["code"] for reason in done["reasons"]] == ["policy_locks_out"]


def test_a_denial_in_the_meantime_denies(desk: Desk) -> None:
    """When policy forbids by now what was asked, approving it changes nothing and closes it."""
    admin, operator, approver = map(desk.target, ("admin", "operator", "approver"))
    waiting = desk.ask(operator, budget(550))["approval"]["id"]
    never = {"id": "never", "condition": 'action.id == "budget.set"', "effect": "reject"}
    desk.ask(admin, Intent("project.policy.set", {"document": {"rules": [never]}}))
    denied = desk.vote(approver, waiting)
    assert denied["status"] == "rejected"
    assert [reason["code"] for reason in denied["reasons"]] == ["rule_rejected"]
    assert denied["approval"]["status"] == "rejected"


def test_other_approvers_supersede(desk: Desk) -> None:
    """When policy wants two approvers by now, one's approval opens a new request for two."""
    admin, operator, approver = map(desk.target, ("admin", "operator", "approver"))
    waiting = desk.ask(operator, budget(550))["approval"]["id"]
    stricter = {"approvals": [{"actions": ["budget.set"], "require_count": 2}]}
    desk.ask(admin, Intent("project.policy.set", {"document": stricter}))
    with pytest.raises(ApprovalSuperseded) as superseded:
        desk.vote(approver, waiting)
    assert superseded.value.members["approval"]["count"] == 2


def test_what_needs_no_approval_any_more_is_superseded_under_the_old_terms(desk: Desk) -> None:
    """What was approved was bound to approvers: a policy without them is another promise."""
    admin, operator, approver = map(desk.target, ("admin", "operator", "approver"))
    waiting = desk.ask(operator, budget(550))["approval"]["id"]
    desk.ask(admin, Intent("project.policy.set", {"document": {}}))
    with pytest.raises(ApprovalSuperseded) as superseded:
        desk.vote(approver, waiting)
    again = superseded.value.members["approval"]
    assert (again["role"], again["count"], again["approved"]) == ("admin", 1, 0)
    opened = executions(desk, admin)[-1]
    assert opened["status"] == "pending_approval"
    assert opened["reasons"] == [{"code": "approval_required", "count": 1, "role": "admin"}]
    assert desk.vote(approver, again["id"])["status"] == "success"


def test_a_bad_policy_locks_nobody_out(desk: Desk) -> None:
    """A rule that errors denies everything but setting the policy by an admin."""
    admin = desk.target("admin")
    broken = {"id": "broken", "condition": "inputs.nope == 1", "effect": "reject"}
    document = {"rules": [broken], "limits": {"rate": {"per_minute": 0}, "budget": {"daily": 0}}}
    assert desk.ask(admin, Intent("project.policy.set", {"document": document}))["version"]
    refused = desk.ask(admin, Intent("checklist.tick", {"item": "tests"}))
    assert [reason["code"] for reason in refused["reasons"]] == ["rate_exceeded", "rule_failed"]
    healed = desk.ask(admin, Intent("project.policy.set", {"document": {}}))
    assert healed["status"] == "success"
    assert healed["facts"]["observed"] == [{"rule": "broken", "effect": "failed"}]
    assert desk.ask(admin, Intent("checklist.tick", {"item": "tests"}))["status"] == "success"


def test_a_rule_that_comes_to_refuse_everything_leaves_two_admins_a_way_out(desk: Desk) -> None:
    """It was harmless when it was set. Nothing goes through then but what heals it."""
    admin, approver = map(desk.target, ("admin", "approver"))
    bricked = {"id": "bricked", "condition": "state.budget.total == 501", "effect": "reject"}
    desk.ask(admin, Intent("project.policy.set", {"document": {"rules": [bricked]}}))
    assert desk.ask(admin, budget(501))["status"] == "success"
    refused = desk.ask(admin, budget(500))
    assert [reason["code"] for reason in refused["reasons"]] == ["rule_rejected"]
    operator = desk.ask(desk.target("operator"), Intent("project.policy.set", {"document": {}}))
    assert "rule_rejected" in [reason["code"] for reason in operator["reasons"]]
    waiting = desk.ask(admin, Intent("project.policy.set", {"document": {}}))
    assert waiting["status"] == "pending_approval"
    assert waiting["reasons"][0]["because"] == ["bricked"]
    [own] = desk.vote(admin, waiting["approval"]["id"])["reasons"]
    assert own["code"] == "own_request"
    healed = desk.vote(approver, waiting["approval"]["id"])
    assert healed["approval"]["status"] == "done"
    assert desk.ask(admin, budget(500))["status"] == "success"


def test_a_rule_that_only_watches_is_recorded_and_changes_nothing(desk: Desk) -> None:
    """What it would have done stands in the record."""
    admin = desk.target("admin")
    watching = {"id": "w", "condition": "true", "effect": "reject", "mode": "observe"}
    desk.ask(admin, Intent("project.policy.set", {"document": {"rules": [watching]}}))
    done = desk.ask(admin, Intent("checklist.tick", {"item": "tests"}))
    assert done["status"] == "success"
    assert done["facts"]["observed"] == [{"rule": "w", "effect": "reject"}]


def test_a_stored_policy_that_can_not_be_read_any_more_denies_and_can_be_replaced(
    desk: Desk,
) -> None:
    """It fails closed, and an admin sets another."""
    admin = desk.target("admin")
    with psycopg.connect(desk.database.superuser) as connection:
        connection.execute("""UPDATE policies SET document = '{"rules":7}'""")
    policies._known.clear()
    refused = desk.ask(admin, Intent("checklist.tick", {"item": "tests"}))
    assert refused["reasons"] == [{"code": "rule_failed", "rule": "unreadable-policy"}]
    assert desk.ask(admin, Intent("project.policy.set", {"document": {}}))["status"] == "success"
    assert desk.ask(admin, Intent("checklist.tick", {"item": "tests"}))["status"] == "success"
