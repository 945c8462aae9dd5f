"""What surrounds a handler: observes it, and tells what was seen, once, when it has ended."""

from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from functools import cache, wraps
from time import perf_counter
from typing import Any

import orjson
from aws_lambda_powertools import Logger

from control_plane.observing.current import Observation, Row, observing
from control_plane.observing.failures import described, named
from control_plane.observing.lines import OneLine
from control_plane.observing.metrics import emit, first_reason
from control_plane.observing.traces import Trace, continued

type Event = Mapping[str, Any]
type Handler = Callable[[Any, Any], dict[str, Any]]

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_FIRST_PROBLEM = 400
_FIRST_SERVER_ERROR = 500


class RunFailed(Exception):
    """A scheduled run failed: its log line tells of what, and where."""


def answering(service: str) -> Callable[[Handler], Handler]:
    """For handlers of HTTP API events: a log line and the metrics of each request."""

    def surround(handler: Handler) -> Handler:
        @wraps(handler)
        def observed(event: Event, context: Any) -> dict[str, Any]:
            started = perf_counter()
            with observing(continued((event.get("headers") or {}).get("traceparent"))) as seen:
                answer = handler(event, context)
            seen.facts |= {**_asked(event, context), **_answered(answer)}
            _tell(service, "request", seen, started)
            return answer

        return observed

    return surround


def running(service: str) -> Callable[[Handler], Handler]:
    """For handlers that are scheduled or invoked by hand: a log line and the metrics of each run.

    What they raise becomes `RunFailed`, since Lambda logs what an error says.
    """

    def surround(handler: Handler) -> Handler:
        @wraps(handler)
        def observed(event: Event, context: Any) -> dict[str, Any]:
            started = perf_counter()
            with observing(Trace()) as seen:
                answer, failure = _attempted(handler, event, context)
            if failure:
                seen.facts |= described(failure)
            seen.facts |= _run(context)
            _tell(service, "run", seen, started)
            if failure:
                raise RunFailed(named(failure))
            return answer

        return observed

    return surround


def _attempted(
    handler: Handler, event: Event, context: Any
) -> tuple[dict[str, Any], Exception | None]:
    try:
        return handler(event, context), None
    except Exception as error:  # noqa: BLE001 (told, and raised as `RunFailed`)
        return {}, error


def _asked(event: Event, context: Any) -> dict[str, Any]:
    """What was asked, without a word of the caller's: no path, header, query or body."""
    about = event.get("requestContext") or {}
    method = (about.get("http") or {}).get("method")
    known = method if method in _METHODS else "other"
    return {"method": known, "request_id": about.get("requestId"), **_run(context)}


def _run(context: Any) -> dict[str, Any]:
    """Lambda's own name for this invocation, which its platform's lines carry."""
    return {"invocation_id": getattr(context, "aws_request_id", None)}


def _answered(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The answer's status, and its code where it is a problem."""
    status = answer["statusCode"]
    body = answer.get("body")
    if status < _FIRST_PROBLEM or not body:
        return {"status": status}
    body = b64decode(body) if answer.get("isBase64Encoded") else body
    try:
        return {"status": status, "code": orjson.loads(body)["code"]}
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return {"status": status}


def _tell(service: str, message: str, seen: Observation, started: float) -> None:
    """Tell what was seen. Where that fails, the answer stands, and the log names the failure."""
    try:
        _say(service, message, seen, started)
    except Exception as error:  # noqa: BLE001 (told)
        _logger(service).error(message, extra={**seen.trace.members, **described(error)})


def _say(service: str, message: str, seen: Observation, started: float) -> None:
    duration = (perf_counter() - started) * 1000
    if seen.executions:
        seen.measured["execution_ms"] = duration
    line = {**seen.trace.members, **seen.facts, **_committed(seen.executions)}
    line |= {name: round(amount, 3) for name, amount in seen.measured.items()}
    line["duration_ms"] = round(duration, 3)
    _voice(_logger(service), seen.facts)(message, extra=line)
    emit(service, seen)


def _committed(executions: Sequence[Row]) -> dict[str, Any]:
    """The last execution that was made, and how many where there were more."""
    if not executions:
        return {}
    last = executions[-1]
    reason, count = first_reason(last), len(executions)
    return {
        "execution_request_id": last["request_id"],
        "seq": last["seq"],
        "execution_status": last["status"],
        **({"reason": reason} if reason else {}),
        **({"executions": count} if count > 1 else {}),
    }


def _voice(logger: Logger, facts: Mapping[str, Any]) -> Callable[..., None]:
    """The level to tell it at."""
    if "error" in facts:
        return logger.error
    return logger.warning if facts.get("status", 0) >= _FIRST_SERVER_ERROR else logger.info


@cache
def _logger(service: str) -> Logger:
    return Logger(service=service, logger_formatter=OneLine(service))
