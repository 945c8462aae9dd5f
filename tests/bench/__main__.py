"""How near to the database's own speed the writing path is: `uv run python -m tests.bench`."""

import argparse
from collections.abc import Sequence
from copy import replace

from tests.bench import databases, report
from tests.bench.cases import APART, CROWDS, FRESH, GROUNDS
from tests.bench.cores import CAN_BE_KEPT_APART
from tests.bench.rounds import Plan, run

ROUNDS = 5
SECONDS = 3.0
QUICK_SECONDS = 0.4


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the figures, and after a full run write docs/performance.md."""
    options = _options(arguments)
    plan = Plan(
        crowds=CROWDS,
        grounds=(FRESH,) if options.quick else GROUNDS,
        rounds=options.rounds,
        seconds=options.seconds or (QUICK_SECONDS if options.quick else SECONDS),
    )
    apart = replace(plan, crowds=[APART], grounds=GROUNDS[:2])
    with databases.running() as cluster:
        figures = run(cluster, plan)
        if not options.quick and CAN_BE_KEPT_APART:
            figures += run(cluster, apart)
        version = cluster.version
    print(report.as_json(figures) if options.json else report.as_table(figures))
    if options.write or not options.quick:
        page = report.as_page(figures, version, plan.rounds, plan.seconds)
        report.PAGE.write_text(page)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute: 1 KB, no history")
    parser.add_argument("--json", action="store_true", help="one line of JSON, no table")
    parser.add_argument("--write", action="store_true", help="write the page after a quick run too")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="paired rounds of each case")
    parser.add_argument("--seconds", type=float, help="length of a round")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
