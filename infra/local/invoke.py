"""Calling a Lambda handler as the Lambda service does, in a thread of this process."""

import importlib
import secrets
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from infra.local.template import FunctionSpec

ACCOUNT = "123456789012"
REGION = "us-east-1"


class LambdaContext:
    """The context object of one invocation, as the Python runtime documents it."""

    function_version = "$LATEST"
    identity = None
    client_context = None

    def __init__(self, spec: FunctionSpec) -> None:
        self._deadline = time.monotonic() + spec.timeout
        self.function_name = spec.name
        self.memory_limit_in_mb = str(spec.memory)
        self.invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{spec.name}"
        self.aws_request_id = str(uuid.uuid4())
        self.log_group_name = f"/aws/lambda/{spec.name}"
        self.log_stream_name = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{secrets.token_hex(16)}"

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function's timeout; never below 0."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class Function:
    """A function of the template, callable with an event. Its environment is this process's.

    A Lambda that outlives its timeout is ended; a thread can't be, so it goes on unseen.
    """

    def __init__(self, spec: FunctionSpec) -> None:
        self.spec = spec

    def __call__(self, event: object) -> Any:
        """Call the handler with `event` and a new context; whatever it raises comes through."""
        return self.handler(event, LambdaContext(self.spec))

    @cached_property
    def handler(self) -> Callable[[object, LambdaContext], Any]:
        """The handler itself, imported at first use from the function's code folder."""
        code = str(self.spec.code)
        if code not in sys.path:
            sys.path.insert(0, code)
        module, _, name = self.spec.handler.rpartition(".")
        found: Callable[[object, LambdaContext], Any] = getattr(
            importlib.import_module(module), name
        )
        return found
