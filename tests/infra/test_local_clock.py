"""The local clock: EventBridge's expressions, and the events that it sends."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.local import clock
from infra.local.clock import Clock, scheduled_event
from infra.local.invoke import Function
from infra.local.schedules import ExpressionError, parse_schedule
from infra.local.template import FunctionSpec, ScheduleSpec, load_template


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def spec(expression: str, kind: str = "ScheduleV2", event: str | None = None) -> ScheduleSpec:
    return ScheduleSpec("ArchiveDaily", "Archive", kind, expression, "UTC", event)


@pytest.mark.parametrize(
    ("expression", "after", "due"),
    [
        ("cron(17 3 * * ? *)", "2024-02-28 03:17:00", "2024-02-29 03:17:00"),
        ("cron(17 3 * * ? *)", "2024-02-28 03:16:59", "2024-02-28 03:17:00"),
        ("cron(0/15 8-9 ? * MON-FRI *)", "2024-03-01 09:45:00", "2024-03-04 08:00:00"),
        ("cron(0 0 29 2 ? *)", "2024-03-01 00:00:00", "2028-02-29 00:00:00"),
        ("cron(5,10 * ? JAN,JUL SUN 2025)", "2024-01-01 00:00:00", "2025-01-05 00:05:00"),
        ("rate(5 minutes)", "2024-01-01 00:00:00", "2024-01-01 00:05:00"),
        ("rate(1 hour)", "2024-01-01 00:00:00", "2024-01-01 01:00:00"),
        ("rate(1 day)", "2024-01-01 00:00:00", "2024-01-02 00:00:00"),
    ],
)
def test_a_schedule_is_next_due(expression: str, after: str, due: str) -> None:
    """The next moment of a cron or rate expression is the one EventBridge documents."""
    assert parse_schedule(expression).next_after(at(after)) == at(due)


def test_a_schedule_follows_its_time_zone_through_summer_time() -> None:
    """Three in the morning in Berlin is another UTC hour in winter than in summer."""
    daily = parse_schedule("cron(0 3 * * ? *)", "Europe/Berlin")
    assert daily.next_after(at("2024-03-29 12:00:00")) == at("2024-03-30 02:00:00")
    assert daily.next_after(at("2024-03-31 12:00:00")) == at("2024-04-01 01:00:00")


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 0 L * ? *)",
        "cron(0 0 ? * MON#1 *)",
        "cron(61 * * * ? *)",
        "cron(* * * *)",
        "at(2024-01-01T00:00:00)",
        "rate(x minutes)",
    ],
)
def test_an_expression_it_does_not_know_is_refused(expression: str) -> None:
    """What the clock could only guess at stops it at the start."""
    with pytest.raises(ExpressionError):
        parse_schedule(expression)


def test_a_schedule_that_is_never_due_again_is_refused() -> None:
    """A year in the past has no next moment."""
    with pytest.raises(ExpressionError, match="never due"):
        parse_schedule("cron(0 0 1 1 ? 2020)").next_after(at("2024-01-01 00:00:00"))


def test_due_functions_are_called_once_each() -> None:
    """A tick calls what is due, also when it comes late, and tells how long to wait."""
    calls: list[tuple[str, Any]] = []
    start = at("2024-01-01 03:16:00")
    specs = [spec("cron(17 3 * * ? *)"), spec("rate(1 hour)")]
    clock = Clock(specs, start, lambda name, event: calls.append((name, event)))
    assert clock.tick(start) == 60
    assert not calls
    clock.tick(start + timedelta(hours=5))
    assert [event["time"] for _, event in calls] == ["2024-01-01T03:17:00Z", "2024-01-01T04:16:00Z"]
    assert clock.tick(start + timedelta(hours=5)) == 3600
    assert len(calls) == 2


def test_the_event_is_eventbridge_schedulers() -> None:
    """A ScheduleV2 sends EventBridge Scheduler's event: its detail is a string."""
    event = scheduled_event(spec("rate(1 day)"), at("2024-01-01 03:17:00"))
    assert event.pop("id")
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": "123456789012",
        "time": "2024-01-01T03:17:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:scheduler:us-east-1:123456789012:schedule/default/ArchiveDaily"],
        "detail": "{}",
    }


def test_the_event_of_a_rule_or_an_input_differs() -> None:
    """A Schedule sends an EventBridge rule's event; an Input is sent as it is."""
    rule = scheduled_event(spec("rate(1 day)", "Schedule"), at("2024-01-01 00:00:00"))
    assert (rule["source"], rule["detail"]) == ("aws.events", {})
    assert rule["resources"] == ["arn:aws:events:us-east-1:123456789012:rule/ArchiveDaily"]
    given = spec("rate(1 day)", event='{"days": 3}')
    assert scheduled_event(given, at("2024-01-01 00:00:00")) == {"days": 3}


def test_every_schedule_of_the_product_is_understood() -> None:
    """The schedules of template.yaml are all within what the clock knows."""
    template = load_template()
    called = {schedule.function for schedule in template.schedules}
    assert called == {"ArchiveFunction", "TickFunction"}  # whatever the cloud's database may do
    for schedule in template.schedules:
        assert schedule.function in template.functions
        parse_schedule(schedule.expression, schedule.timezone).next_after(datetime.now(UTC))


@pytest.mark.parametrize(("retries", "calls"), [(0, 1), (1, 2), (2, 3)])
def test_what_fails_is_tried_again_as_often_as_the_template_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, retries: int, calls: int
) -> None:
    """Lambda tries an event twice more, unless the function is configured otherwise."""
    spec = FunctionSpec("Tick", "tick.handler", tmp_path, 60, 128, retries)
    asked: list[Any] = []

    def fail(_function: Function, event: Any) -> None:
        asked.append(event)
        raise ValueError("a database that is away")

    monkeypatch.setattr(Function, "__call__", fail)
    monkeypatch.setattr("infra.local.clock.time.sleep", lambda _seconds: None)
    clock._invoke_with_retries(Function(spec), {})
    assert len(asked) == calls


def test_the_minute_tick_is_not_tried_again() -> None:
    """The next one comes in a minute; two at once would only wait for each other."""
    assert load_template().functions["TickFunction"].retries == 0
