"""Metrics, as lines in CloudWatch's embedded metric format (EMF): sent by being printed.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from time import time_ns
from typing import Any

import orjson
from aws_lambda_powertools.metrics import EphemeralMetrics
from aws_lambda_powertools.metrics.functions import is_metrics_disabled

from control_plane.observing.current import Observation, Row

NAMESPACE = "ChatAgent"

EXECUTIONS = "Executions"
"""Committed executions, by `status` and the first reason's `code`, `none` where there is none."""

MEASURES: Mapping[str, tuple[str, str]] = {
    "execution_ms": ("ExecutionDuration", "Milliseconds"),
    "lock_and_load_ms": ("LockAndLoad", "Milliseconds"),
    "budget_used_percent": ("BudgetUsed", "Percent"),
    "database_failures": ("DatabaseFailures", "Count"),
    "model_ms": ("ModelLatency", "Milliseconds"),
    "model_failures": ("ModelFailures", "Count"),
    "prompt_tokens": ("PromptTokens", "Count"),
    "completion_tokens": ("CompletionTokens", "Count"),
    "archived_objects": ("ArchivedObjects", "Count"),
    "archived_rows": ("ArchivedRows", "Count"),
    "archive_lag_s": ("ArchiveLag", "Seconds"),
    "outbox_lag_s": ("OutboxLag", "Seconds"),
}
"""What is measured, with its metric's name and unit; told by service alone."""

type Kind = tuple[str, str]
"""An execution's status and its first reason's code."""
type Line = dict[str, Any]


def emit(service: str, seen: Observation) -> None:
    """Print the metrics of a request, on one line unless its executions differ in their kind."""
    if not is_metrics_disabled():
        for line in lines(service, seen):
            print(orjson.dumps(line).decode(), flush=True)


def lines(service: str, seen: Observation) -> list[Line]:
    """The EMF objects of a request; none where there is nothing to tell."""
    kinds = Counter(map(_kind, seen.executions))
    told = [_filled(_shape(service, kind), {EXECUTIONS: count}) for kind, count in kinds.items()]
    names = tuple(name for name in MEASURES if name in seen.measured)
    if not names:
        return told
    values = {MEASURES[name][0]: round(seen.measured[name], 3) for name in names}
    if not told:
        return [_filled(_shape(service, None, names), values)]
    last, count = list(kinds.items())[-1]
    return [*told[:-1], _filled(_shape(service, last, names), {EXECUTIONS: count, **values})]


def _kind(row: Row) -> Kind:
    return row["status"], first_reason(row) or "none"


def first_reason(row: Row) -> str | None:
    """The code of an execution's first reason; a success has none."""
    if row["status"] == "success":
        return None
    reasons = orjson.loads(row["record"])["reasons"]
    return str(reasons[0]["code"]) if reasons else None


def _filled(shape: Line, values: Mapping[str, float]) -> Line:
    """An EMF object of this moment."""
    numbers = {name: [value] for name, value in values.items()}
    return {**shape, **numbers, "_aws": {**shape["_aws"], "Timestamp": time_ns() // 1_000_000}}


@lru_cache(maxsize=1024)
def _shape(service: str, kind: Kind | None, names: tuple[str, ...] = ()) -> Line:
    """What is the same whenever such metrics are told; making it takes longer than all else."""
    parts = []
    if kind:
        parts.append(_counted(service, *kind))
    if names:
        parts.append(_measured(service, names))
    directives = [each for part in parts for each in part["_aws"]["CloudWatchMetrics"]]
    whole = {name: value for part in parts for name, value in part.items()}
    return {**whole, "_aws": {"CloudWatchMetrics": directives}}


def _counted(service: str, status: str, code: str) -> Line:
    metrics = EphemeralMetrics(service=service, namespace=NAMESPACE)
    metrics.add_metric(EXECUTIONS, "Count", 0)
    metrics.add_dimension("status", status)
    metrics.add_dimension("code", code)
    metrics.add_dimensions(service=service, status=status)
    return {**metrics.serialize_metric_set()}


def _measured(service: str, names: tuple[str, ...]) -> Line:
    metrics = EphemeralMetrics(service=service, namespace=NAMESPACE)
    for name in names:
        metrics.add_metric(*MEASURES[name], 0)
    return {**metrics.serialize_metric_set()}
