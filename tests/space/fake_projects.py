"""What the fake API's two projects declare, and what their actions do to the state."""

import copy
from typing import Any

Json = dict[str, Any]


def integer(title: str, **more: Any) -> Json:
    """A JSON Schema of an integer."""
    return {"type": "integer", "title": title, **more}


def action(name: str, title: str, phrases: list[str], inputs: Json, **more: Any) -> Json:
    """A declared action as the registry shows it."""
    required = [key for key, schema in inputs.items() if "default" not in schema]
    schema = {"type": "object", "properties": inputs, "required": required}
    return {
        "id": name, "version": 1, "title": title, "description": title, "phrases": phrases,
        "targets": [name.rpartition(".")[0]], "inputs": schema, "risk": "low",
        "confirmation": False, "cost": 1, "visibility": "user", **more,
    }  # fmt: skip


def component(name: str, title: str, schema: Json) -> Json:
    """A declared component as the registry shows it."""
    return {
        "id": name, "title": title, "description": f"About {title.lower()}.",
        "schema_version": 1, "schema": schema, "tags": [],
    }  # fmt: skip


TEXT = {"type": "string"}
COUNTER = {"type": "object", "properties": {"value": integer("Value")}, "$defs": {}}
MEMORY = {"type": "object", "additionalProperties": True}
RELEASE = {
    "type": "object",
    "properties": {
        "frozen": {"type": "boolean", "title": "Frozen"},
        "rollout": integer("Rollout", minimum=0, maximum=100, **{"x-unit": "%"}),
        "channel": {"type": "string", "title": "Channel"},
    },
}
BUDGET = {
    "type": "object",
    "properties": {"approved": integer("Approved", **{"x-unit": "k€"})},
}
INCIDENT = {
    "type": "object",
    "properties": {
        "open": {"type": "boolean", "title": "Open"},
        "severity": {"type": "string", "title": "Severity"},
    },
}
READINESS = {"type": "object", "properties": {"items": {"type": "array", "items": {}}}}
READY = [
    {"title": "Security review", "done": False},
    {"title": "Load test", "done": True},
    {"title": "Rollback drill", "done": True},
    {"title": "Support briefed", "done": False},
]

DEMO_ACTIONS = [
    action(
        "demo.counter.set",
        "Set the counter",
        ["set the counter to {value}"],
        {"value": integer("Value")},
    ),
    action(
        "demo.counter.increment",
        "Add to the counter",
        ["add {amount}"],
        {"amount": integer("Amount", default=1)},
    ),
    action("demo.counter.reset", "Reset the counter", ["reset the counter"], {}, confirmation=True),
    action(
        "memory.remember",
        "Remember something",
        ["remember that {key} is {value}"],
        {"key": TEXT, "value": {}},
        cost=0,
    ),
]
HARBOR_ACTIONS = [
    action(
        "harbor.release.freeze",
        "Freeze the release",
        ["freeze the release"],
        {},
        risk="medium",
        cost=3,
    ),
    action(
        "harbor.readiness.tick",
        "Tick off a readiness item",
        ["tick off the {item}"],
        {"item": {**TEXT, "examples": ["security review"]}},
        cost=2,
    ),
    action(
        "harbor.release.rollout",
        "Roll out the release",
        ["roll out to {percent} percent"],
        {"percent": integer("Percent", examples=[60])},
        risk="high",
        cost=120,
    ),
    action(
        "harbor.budget.set",
        "Set the launch budget",
        ["set the budget to {total}"],
        {"total": integer("Total")},
        risk="medium",
    ),
    action("harbor.incident.resolve", "Resolve the incident", ["resolve the incident"], {}),
]


def replaced(state: Json, path: str, value: Any) -> Json:
    """Put a value in a state's place; the operation that tells it."""
    *parents, last = path.split("/")[1:]
    node: Any = state
    for part in parents:
        node = node[int(part) if isinstance(node, list) else part]
    before, node[last] = node.get(last), value
    return {"op": "replace", "path": path, "before": before, "value": value}


def _set(state: Json, inputs: Json) -> tuple[str, list[str], list[Json]]:
    if not isinstance(inputs.get("value"), int):
        return "rejected", ["“value” must be a whole number."], []
    return "success", [], [replaced(state, "/demo.counter/value", inputs["value"])]


def _increment(state: Json, inputs: Json) -> tuple[str, list[str], list[Json]]:
    value = state["demo.counter"]["value"] + inputs.get("amount", 1)
    return "success", [], [replaced(state, "/demo.counter/value", value)]


def _remember(state: Json, inputs: Json) -> tuple[str, list[str], list[Json]]:
    state["memory"][inputs["key"]] = inputs["value"]
    pointer = inputs["key"].replace("~", "~0").replace("/", "~1")
    return "success", [], [{"op": "add", "path": f"/memory/{pointer}", "value": inputs["value"]}]


def _tick(state: Json, inputs: Json) -> tuple[str, list[str], list[Json]]:
    titles = [item["title"].lower() for item in state["harbor.readiness"]["items"]]
    path = f"/harbor.readiness/items/{titles.index(inputs['item'].lower())}/done"
    return "success", [], [replaced(state, path, True)]


def _rollout(state: Json, inputs: Json) -> tuple[str, list[str], list[Json]]:
    if state["harbor.incident"]["open"]:
        return "rejected", REFUSAL, []
    return "success", [], [replaced(state, "/harbor.release/rollout", inputs["percent"])]


REFUSAL = [
    "An incident is open (SEV-2). Rollouts wait until it is resolved.",
    "It costs 120, and 95 of today's 100 are left.",
]
EFFECTS = {
    "demo.counter.set": _set,
    "demo.counter.increment": _increment,
    "demo.counter.reset": lambda state, _: _set(state, {"value": 0}),
    "memory.remember": _remember,
    "harbor.release.freeze": lambda state, _: (
        "success",
        [],
        [replaced(state, "/harbor.release/frozen", True)],
    ),
    "harbor.readiness.tick": _tick,
    "harbor.release.rollout": _rollout,
    "harbor.budget.set": lambda state, inputs: (
        "success",
        [],
        [replaced(state, "/harbor.budget/approved", inputs["total"])],
    ),
    "harbor.incident.resolve": lambda state, _: (
        "success",
        [],
        [replaced(state, "/harbor.incident/open", False)],
    ),
}


def states() -> dict[str, Json]:
    """Every project's first state, fresh."""
    return {
        "demo": {"demo.counter": {"value": 0}, "memory": {}},
        "harbor": {
            "harbor.release": {"frozen": False, "rollout": 20, "channel": "stable"},
            "harbor.budget": {"approved": 500},
            "harbor.incident": {"open": True, "severity": "SEV-2"},
            "harbor.readiness": {"items": copy.deepcopy(READY)},
        },
    }


COMPONENTS = {
    "demo": [component("demo.counter", "Counter", COUNTER), component("memory", "Memory", MEMORY)],
    "harbor": [
        component("harbor.release", "Release 24.11", RELEASE),
        component("harbor.budget", "Launch budget", BUDGET),
        component("harbor.readiness", "Readiness", READINESS),
        component("harbor.incident", "Incident", INCIDENT),
    ],
}
ACTIONS = {"demo": DEMO_ACTIONS, "harbor": HARBOR_ACTIONS}
