"""The schedules of template.yaml, kept on this machine: `python -m infra.local.clock`.

Due functions get the event that EventBridge sends and are retried as Lambda retries. What was
due while the stack was down is not made up for: the next run of each schedule finds it.
"""

import argparse
import json
import logging
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local.invoke import ACCOUNT, REGION, Function
from infra.local.schedules import Schedule, parse_schedule
from infra.local.template import TEMPLATE, ScheduleSpec, Template, load_template

RETRIES = (60.0, 120.0)  # seconds Lambda waits before its second and third try
LONGEST_NAP = 30.0  # seconds; a machine that slept notices the time again

log = logging.getLogger(__name__)


def scheduled_event(spec: ScheduleSpec, due: datetime) -> Any:
    """Return what the function gets at `due`: the schedule's own input, else EventBridge's event.

    EventBridge Scheduler (`ScheduleV2`) and an EventBridge rule (`Schedule`) differ in it.
    """
    if spec.event is not None:
        return json.loads(spec.event)
    scheduler = spec.kind == "ScheduleV2"
    source, owner = ("aws.scheduler", "scheduler") if scheduler else ("aws.events", "events")
    resource = f"schedule/default/{spec.name}" if scheduler else f"rule/{spec.name}"
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": source,
        "account": ACCOUNT,
        "time": f"{due.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "region": REGION,
        "resources": [f"arn:aws:{owner}:{REGION}:{ACCOUNT}:{resource}"],
        "detail": "{}" if scheduler else {},
    }


class Clock:
    """The next due moment of every schedule. `invoke` is called with a function's name and event.

    Raises ExpressionError at once for a schedule that it doesn't understand.
    """

    def __init__(
        self, specs: list[ScheduleSpec], start: datetime, invoke: Callable[[str, Any], None]
    ) -> None:
        self._invoke = invoke
        self._due: list[tuple[ScheduleSpec, Schedule, datetime]] = []
        for spec in specs:
            schedule = parse_schedule(spec.expression, spec.timezone)
            self._due.append((spec, schedule, schedule.next_after(start)))

    def tick(self, now: datetime) -> float:
        """Invoke what is due at `now`, once each; return the seconds until the next."""
        for index, (spec, schedule, due) in enumerate(self._due):
            if due <= now:
                self._invoke(spec.function, scheduled_event(spec, due))
                self._due[index] = (spec, schedule, schedule.next_after(now))
        return min(((due - now).total_seconds() for _, _, due in self._due), default=LONGEST_NAP)


def run(template: Template) -> None:
    """Keep the template's schedules until the process is ended."""
    functions = {name: Function(spec) for name, spec in template.functions.items()}
    pool = ThreadPoolExecutor(4)

    def invoke(name: str, event: Any) -> None:
        pool.submit(_invoke_with_retries, functions[name], event)

    clock = Clock(template.schedules, datetime.now(UTC), invoke)
    while True:
        time.sleep(min(LONGEST_NAP, max(0.05, clock.tick(datetime.now(UTC)))))


def _invoke_with_retries(function: Function, event: Any) -> None:
    for pause in (*RETRIES[: function.spec.retries], None):
        try:
            log.info("%s: %s", function.spec.name, function(event))
        except Exception:
            log.exception("%s failed", function.spec.name)
            if pause:
                time.sleep(pause)
        else:
            return


def main() -> None:
    """Read the command line and keep time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--template", type=Path, default=TEMPLATE)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    run(load_template(options.template))


if __name__ == "__main__":
    main()
