"""Metrics, as lines in CloudWatch's embedded metric format (EMF): sent by being printed.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections import Counter
from collections.abc import Mapping
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

type Line = dict[str, Any]


def emit(service: str, seen: Observation) -> None:
    """Print the metrics of a request, on one line unless its executions differ in their kind."""
    if not is_metrics_disabled():
        for line in lines(service, seen):
            print(json.dumps(line, separators=(",", ":")), flush=True)


def lines(service: str, seen: Observation) -> list[Line]:
    """The EMF objects of a request; none where there is nothing to tell."""
    kinds = Counter(map(_kind, seen.executions))
    told = [_counted(service, *kind, count) for kind, count in kinds.items()]
    measures = {name: seen.measured[name] for name in MEASURES if name in seen.measured}
    if not measures:
        return told
    measured = _measured(service, measures)
    return [*told[:-1], _merged(told[-1], measured)] if told else [measured]


def _kind(row: Row) -> tuple[str, str]:
    """An execution's status and its first reason's code."""
    return row["status"], first_reason(row) or "none"


def first_reason(row: Row) -> str | None:
    """The code of an execution's first reason; a success has none."""
    if row["status"] == "success":
        return None
    reasons = orjson.loads(row["record"])["reasons"]
    return str(reasons[0]["code"]) if reasons else None


def _counted(service: str, status: str, code: str, count: int) -> Line:
    metrics = EphemeralMetrics(service=service, namespace=NAMESPACE)
    metrics.add_metric(EXECUTIONS, "Count", count)
    metrics.add_dimension("status", status)
    metrics.add_dimension("code", code)
    metrics.add_dimensions(service=service, status=status)
    return {**metrics.serialize_metric_set()}


def _measured(service: str, measures: Mapping[str, float]) -> Line:
    metrics = EphemeralMetrics(service=service, namespace=NAMESPACE)
    for name, value in measures.items():
        metrics.add_metric(*MEASURES[name], round(value, 3))
    return {**metrics.serialize_metric_set()}


def _merged(one: Line, other: Line) -> Line:
    """Two objects as one, each with its own metrics under its own dimensions."""
    directives = one["_aws"]["CloudWatchMetrics"] + other["_aws"]["CloudWatchMetrics"]
    return {**one, **other, "_aws": {**one["_aws"], "CloudWatchMetrics": directives}}
