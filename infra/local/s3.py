"""An S3 server on this machine that keeps its word: moto's S3 behind a journal.

    python -m infra.local.s3 --dir DIR --port PORT

Moto alone keeps everything in memory. Here every request that changes something is journaled,
with the moment it saw, before it is answered, and run again at the next start. It listens on
127.0.0.1, checks no signatures and is meant for one developer's data: memory holds it all.
"""

import argparse
import json
import logging
import os
import signal
import threading
from collections.abc import Iterable
from copy import replace
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import ClientError
from moto.core.request import Request
from moto.s3.responses import S3Response
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request as WsgiRequest
from werkzeug.wrappers import Response

from infra.local import moment
from infra.local.journal import Journal
from infra.local.moment import Moment

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

READS = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS = "chat_agent.headers"  # where the server leaves the headers as they were sent

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Call:
    """One request, whole, with the moment it saw; `url` is absolute and still encoded."""

    moment: Moment
    method: str
    url: str
    headers: dict[str, str]
    body: bytes

    def to_bytes(self) -> bytes:
        """Return the journal's form: one line of JSON, then the body."""
        head = [self.moment.at, self.moment.seed, self.method, self.url, self.headers]
        return json.dumps(head).encode() + b"\n" + self.body

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the call that `to_bytes` wrote."""
        head, _, body = data.partition(b"\n")
        at, seed, method, url, headers = json.loads(head)
        return cls(Moment(at, seed), method, url, headers, body)


class JournaledS3:
    """A WSGI application. One lock orders all requests, so nobody reads what may be lost."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        moment.install()
        for entry in journal.replay():
            perform(Call.from_bytes(entry))

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        call = read_call(environ)
        with self._lock:
            call = replace(call, moment=Moment.now())  # the order of the lock is that of time
            response = perform(call)
            if call.method not in READS and 200 <= response.status_code < 300:
                self._keep(call)
        return response(environ, start)

    def _keep(self, call: Call) -> None:
        try:
            self._journal.append(call.to_bytes())
        except OSError:
            # Memory is now ahead of the disk: end, and let the next start replay the truth.
            log.exception("The journal can't be written; the server ends.")
            os._exit(1)


def read_call(environ: "WSGIEnvironment") -> Call:
    """Return the request in `environ`, its body read to the end."""
    request = WsgiRequest(environ)
    url = f"http://{request.host}{environ['RAW_URI']}"
    return Call(Moment.now(), request.method, url, environ[HEADERS], request.get_data())


def perform(call: Call) -> Response:
    """Run one request in moto, at its own moment, and return its answer, under the lock."""
    call.moment.pin()
    request = Request.from_primitives(call.method, call.url, call.headers, call.body)
    try:
        status, headers, content = _dispatch(request)
    except ClientError as error:
        status, headers, content = 400, {}, error.response["Error"]["Message"]
    except Exception:
        log.exception("%s %s failed", call.method, call.url)
        status, headers, content = 500, {}, "Internal error"
    response = Response(content, status, headers)
    lengths = {name.lower(): value for name, value in headers.items()}
    if call.method == "HEAD" and "content-length" in lengths:
        response.headers["Content-Length"] = str(lengths["content-length"])
    return response


def _dispatch(request: Request) -> Any:
    bucket, _, key = request.raw_path.removeprefix("/").partition("/")
    if key:
        handle = S3Response.key_dispatch
    elif bucket:
        handle = S3Response.ambiguous_dispatch
    else:
        handle = S3Response.bucket_dispatch
    answer: Any = handle(request, request.raw_url, dict(request.headers))
    return answer if isinstance(answer, tuple) else (200, {}, answer)


class _Handler(WSGIRequestHandler):
    def make_environ(self) -> "WSGIEnvironment":
        # WSGI can't tell x-amz-meta-a_b from x-amz-meta-a-b; S3 can.
        return super().make_environ() | {HEADERS: dict(self.headers.items())}

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing of requests that went well."""


def serve(directory: Path, port: int) -> None:
    """Serve the data in `directory` on 127.0.0.1:`port` until the process is ended."""
    application = JournaledS3(Journal(directory / "journal"))
    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=_Handler)
    server.serve_forever()


def main() -> None:
    """Read the command line and serve. Any signal may end it: all that was promised is on disk."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    serve(options.dir, options.port)


if __name__ == "__main__":
    main()
