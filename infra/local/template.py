"""What template.yaml says about functions: their handlers, routes and schedules.

Only what the local stack needs is read. Routes may be SAM's `HttpApi` events or resources of
their own (`AWS::ApiGatewayV2::Route` with an integration); schedules are `Schedule` or
`ScheduleV2` events.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FUNCTION = "AWS::Serverless::Function"
ROUTE = "AWS::ApiGatewayV2::Route"
TEMPLATE = Path(__file__).parents[2] / "template.yaml"


@dataclass(frozen=True)
class FunctionSpec:
    """One function: `handler` is `module.function` in `code`, `timeout` seconds, `memory` MiB.

    `retries` is how often an event that failed is tried again.
    """

    name: str
    handler: str
    code: Path
    timeout: float
    memory: int
    retries: int = 2


@dataclass(frozen=True)
class RouteSpec:
    """A route key (`GET /v1/{proxy+}` or `$default`) and the name of its function."""

    key: str
    function: str


@dataclass(frozen=True)
class ScheduleSpec:
    """When a function is called: `expression` is rate(…) or cron(…), `kind` the event's type."""

    name: str
    function: str
    kind: str
    expression: str
    timezone: str
    event: str | None


@dataclass(frozen=True)
class Template:
    """Functions by name, routes and schedules of one template."""

    functions: dict[str, FunctionSpec]
    routes: list[RouteSpec]
    schedules: list[ScheduleSpec]


def load_template(path: Path = TEMPLATE) -> Template:
    """Read a SAM template. Raises KeyError when it names a function that isn't there."""
    document = yaml.load(path.read_text(), _Loader)  # noqa: S506 - a safe loader, see below
    defaults = document.get("Globals", {}).get("Function", {})
    resources = document["Resources"]
    functions = {
        name: _function(name, defaults | resource["Properties"], path.parent)
        for name, resource in resources.items()
        if resource["Type"] == FUNCTION
    }
    routes = [*_event_routes(resources), *_resource_routes(resources)]
    for route in routes:
        functions[route.function]
    return Template(functions, routes, list(_schedules(resources)))


def _function(name: str, given: dict[str, Any], folder: Path) -> FunctionSpec:
    return FunctionSpec(
        name=name,
        handler=given["Handler"],
        code=(folder / given["CodeUri"]).resolve(),
        timeout=float(given.get("Timeout", 3)),
        memory=int(given.get("MemorySize", 128)),
        retries=int(given.get("EventInvokeConfig", {}).get("MaximumRetryAttempts", 2)),
    )


def _events(resources: dict[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    for function, resource in resources.items():
        if resource["Type"] == FUNCTION:
            for name, event in resource["Properties"].get("Events", {}).items():
                yield function, name, event["Type"], event.get("Properties", {})


def _event_routes(resources: dict[str, Any]) -> Iterator[RouteSpec]:
    for function, _, kind, given in _events(resources):
        if kind == "HttpApi":
            # SAM: without a path the event is the API's default route.
            method = given.get("Method", "ANY").upper().replace("X-AMAZON-APIGATEWAY-ANY-", "ANY")
            yield RouteSpec(
                f"{method} {given['Path']}" if "Path" in given else "$default", function
            )


def _resource_routes(resources: dict[str, Any]) -> Iterator[RouteSpec]:
    for resource in resources.values():
        if resource["Type"] == ROUTE:
            given = resource["Properties"]
            integration = _referred(given["Target"])
            uri = resources[integration]["Properties"]["IntegrationUri"]
            yield RouteSpec(given["RouteKey"], _referred(uri))


def _schedules(resources: dict[str, Any]) -> Iterator[ScheduleSpec]:
    for function, name, kind, given in _events(resources):
        # One that a condition can switch off is on here: this database never pauses.
        if kind in ("Schedule", "ScheduleV2") and given.get("State") != "DISABLED":
            yield ScheduleSpec(
                name=f"{function}{name}",
                function=function,
                kind=kind,
                expression=given.get("Schedule") or given["ScheduleExpression"],
                timezone=given.get("ScheduleExpressionTimezone", "UTC"),
                event=given.get("Input"),
            )


def _referred(value: Any) -> str:
    """Return the resource's name in `!GetAtt X.Arn`, `!Sub integrations/${X}` or `!Ref X`."""
    text = ".".join(value) if isinstance(value, list) else str(value)
    found = re.search(r"\$\{(\w+)", text)
    return found[1] if found else text.split(".")[0]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags: a tagged value is read as if it had no tag."""


def _untagged(loader: yaml.SafeLoader, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)  # type: ignore[arg-type]


_Loader.add_multi_constructor("!", _untagged)
