"""One execution environment of a Lambda function: a process that takes one event at a time.

    python -m infra.local.worker '{"name": …, "handler": …, "code": …, "timeout": …, "memory": …}'

Frames go both ways, each four bytes of length (big-endian) and JSON: first `null` when the handler
is imported, then for each event what the handler answered, `{"result": …}`, or that it failed,
`{"failed": true}`. Ends when standard input ends. Logs go to standard error.
"""

import json
import logging
import os
import struct
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from infra.local.child import die_with_parent
from infra.local.invoke import Function
from infra.local.template import FunctionSpec

HEADER = struct.Struct(">I")

log = logging.getLogger(__name__)


def write_spec(spec: FunctionSpec) -> str:
    """A function's spec as this module's only argument."""
    return json.dumps(asdict(spec), default=str)


def read_spec(text: str) -> FunctionSpec:
    """The spec that `write_spec` wrote."""
    members = json.loads(text)
    return FunctionSpec(**{**members, "code": Path(members["code"])})


def frame(value: Any) -> bytes:
    """A value as it is sent."""
    body = json.dumps(value).encode()
    return HEADER.pack(len(body)) + body


def serve(function: Function, source: BinaryIO, target: BinaryIO) -> None:
    """Answer events until there are no more."""
    _send(target, None)
    while header := source.read(HEADER.size):
        event = json.loads(source.read(HEADER.unpack(header)[0]))
        _send(target, _answer(function, event))


def _send(target: BinaryIO, value: Any) -> None:
    target.write(frame(value))
    target.flush()


def _answer(function: Function, event: Any) -> dict[str, Any]:
    try:
        return {"result": function(event)}
    except Exception:
        log.exception("%s failed on %s", function.spec.name, event.get("routeKey"))
        return {"failed": True}


def main() -> None:
    """Take the pipes for frames, so that nothing a handler prints gets between them."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    die_with_parent()
    with os.fdopen(os.dup(0), "rb") as source, os.fdopen(os.dup(1), "wb") as target:
        os.dup2(2, 1)
        function = Function(read_spec(sys.argv[1]))
        function.handler  # noqa: B018 - imports it
        serve(function, source, target)


if __name__ == "__main__":
    main()
