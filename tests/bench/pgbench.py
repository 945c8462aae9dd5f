"""The limit: pgbench, unprepared, calling one SQL function that does the whole transaction."""

import os
import subprocess
import tempfile
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from infra.local.postgres import program
from tests.bench.cases import Crowd
from tests.bench.cores import keep, of_clients
from tests.bench.databases import Prepared
from tests.bench.figures import Round

PGBENCH_THREADS = 2


class Limit:
    """So many pgbench clients, on projects taken at random."""

    def __init__(self, prepared: Prepared, crowd: Crowd) -> None:
        self._url = urlsplit(prepared.url)
        self._crowd = crowd

    def measure(self, seconds: float) -> Round:
        """One round; pgbench counts whole seconds, of which it takes at least one."""
        with tempfile.TemporaryDirectory(prefix="chat-agent-bench-") as folder:
            whole = max(1, round(seconds))
            self._run(Path(folder), whole)
            logs = Path(folder).glob("log.*")
            lines = [line.split() for log in logs for line in log.read_text().splitlines()]
        # client, transaction, microseconds, script, then the second and microsecond it ended at
        ends = [int(line[4]) + int(line[5]) / 1e6 for line in lines]
        starts = [end - int(line[2]) / 1e6 for end, line in zip(ends, lines, strict=True)]
        return Round.of([int(line[2]) / 1e3 for line in lines], max(ends) - min(starts))

    def close(self) -> None:
        """Nothing is left running between rounds."""

    def _run(self, folder: Path, seconds: int) -> None:
        script = folder / "limit.pgbench"
        script.write_text(
            f"\\set project random(1, {self._crowd.projects})\nSELECT bench_limit(:project);\n"
        )
        threads = min(PGBENCH_THREADS, self._crowd.clients)
        command = [
            str(program("pgbench")), "-n", "-M", "simple", "-T", str(seconds),
            "-c", str(self._crowd.clients), "-j", str(threads), "-f", str(script),
            "-l", "--log-prefix", str(folder / "log"),
            "-h", self._url.hostname or "", "-p", str(self._url.port),
            "-U", self._url.username or "", self._url.path.removeprefix("/"),
        ]  # fmt: skip
        password = {"PGPASSWORD": unquote(self._url.password or "")}
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=os.environ | password,
            preexec_fn=partial(keep, 0, of_clients(self._crowd)),
        )
        if done.returncode:
            raise RuntimeError(f"pgbench failed:\n{done.stderr}")
