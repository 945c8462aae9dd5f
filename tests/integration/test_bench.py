"""The benchmark's own promises, on a round too short to measure anything."""

import pytest

from tests.bench import databases
from tests.bench.cases import CROWDS, FRESH
from tests.bench.clients import Clients


@pytest.mark.parametrize("kind", ["engine", "handler"])
def test_a_round_counts_its_requests_and_writes_nothing_between_the_reports_lines(kind, capfd):
    with databases.running() as cluster:
        clients = Clients(kind, cluster.prepare(CROWDS[0], FRESH), CROWDS[0])
        try:
            measured = clients.measure(0.1)
        finally:
            clients.close()
    assert measured.rate > 1
    assert capfd.readouterr().out == ""
