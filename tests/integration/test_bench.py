"""The benchmark's own promises, on a round too short to measure anything."""

from tests.bench import databases
from tests.bench.cases import CROWDS, FRESH
from tests.bench.clients import Clients


def test_a_round_counts_its_requests_and_writes_nothing_between_the_reports_lines(capfd):
    with databases.running() as cluster:
        clients = Clients("handler", cluster.prepare(CROWDS[0], FRESH), CROWDS[0])
        try:
            measured = clients.measure(0.1)
        finally:
            clients.close()
    assert measured.rate > 1
    assert capfd.readouterr().out == ""
