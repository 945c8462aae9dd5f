"""What a preview says, in words: steps with old and new values, cost, who must approve. Pure."""

from typing import Any

from chat_space.labels import (
    property_label,
    property_schema,
    readable_path,
    resolve,
    show,
)

Json = dict[str, Any]

MOST_ROWS = 50  # of a step's changes or inputs; the rest is counted
MOST_UNLOCKS = 3  # what the API offers at most
BRIEF = 40  # characters of a value in one line
SPANS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
BUILT_IN = "project."  # actions on policy, members and the like, which no diff shows
REVERT = "project.revert"
ADMINISTRATION = {  # what administers a project is declared in no registry
    "project.create": "Make the project",
    "project.migrate": "Take over new declarations",
    "project.restore": "Restore from the archive",
    "project.purge": "Remove the project for good",
    "project.policy.set": "Set the policy",
    "project.member.set": "Give a member a role",
    "project.member.remove": "Remove a member",
    "project.approval.decide": "Decide a request",
    "project.approval.withdraw": "Withdraw a request",
    "project.update": "Rename the project",
    "project.archive": "Archive the project",
    "project.pause": "Pause the project",
    "project.resume": "Resume the project",
    "project.erase": "Erase what executions hold",
    REVERT: "Go back to an earlier version",
}
PROMISES = ("success", "pending_approval")


def told(asked: list[Json], preview: Json, registry: Json, state: Json) -> Json:
    """A preview of the `asked` steps: `{"title", "steps", "price", "approval", "unlocks"}`.

    `state` holds the components by id, to name list items in paths. `asked` may be longer than
    what the preview reached.
    """
    shown = [_step(step, registry, state) for step in preview["steps"]]
    steps = shown + [_unreached(step, registry) for step in asked[len(shown) :]]
    return {
        "title": _title(steps),
        "steps": steps,
        "price": price(preview),
        "approval": approval_sentence(preview.get("approval")),
        "unlocks": [_unlock(item) for item in (preview.get("unlocks") or [])[:MOST_UNLOCKS]],
    }


def price(preview: Json) -> Json:
    """`{"cost", "left", "limit", "after"}`: what is left of today's budget, after this or without.

    `cost` is None where nothing tells it, `limit` where there is no budget. What would be refused
    charges nothing; its price is what it would have cost.
    """
    budget, promised = preview.get("budget") or {}, preview["status"] in PROMISES
    costs = [step.get("cost") or 0 for step in preview["steps"]]
    used = budget.get("after" if promised else "used", 0)
    limit = budget.get("limit")
    return {
        "cost": preview.get("cost") if promised else sum(costs) or None,
        "limit": limit,
        "left": None if limit is None else max(0, limit - used),
        "after": promised,
    }


def approval_sentence(approval: Json | None) -> str:
    """ "Needs approval by 1 admin (rule budget-needs-admin)."; empty where nobody is asked."""
    if not approval:
        return ""
    rules = [str(rule) for rule in approval.get("because") or []]
    named = f" (rule{'s' if len(rules) > 1 else ''} {' and '.join(rules)})" if rules else ""
    end = f" The request expires after {span(seconds)}." if (
        seconds := approval.get("expires_in")
    ) else ""  # fmt: skip
    return f"Needs approval by {people(approval)}{named}.{end}"


def people(approval: Json) -> str:
    """ "1 admin", "2 operators": who an approval asks."""
    return f"{approval['count']} {approval['role']}{'s' if approval['count'] != 1 else ''}"


def numbers(executions: list[Json]) -> str:
    """ "execution 7", "executions 7 and 8"."""
    noun = "execution" if len(executions) == 1 else "executions"
    return f"{noun} {' and '.join(str(item['seq']) for item in executions)}"


def span(seconds: int) -> str:
    """A duration in its largest whole unit: "2 hours", "90 minutes"."""
    length, unit = next((item for item in SPANS if seconds % item[0] == 0), SPANS[-1])
    count = seconds // length
    return f"{count} {unit}{'s' if count != 1 else ''}"


def changes(diff: list[Json], registry: Json, state: Json) -> list[Json]:
    """The diff's operations as `{"label", "before", "after"}`, None for a side that isn't there."""
    return [
        {
            "label": readable_path(operation["path"], registry, state),
            "before": show(operation["before"]) if "before" in operation else None,
            "after": show(operation["value"]) if operation["op"] != "remove" else None,
        }
        for operation in diff
    ]


def brief(diff: list[Json], registry: Json) -> str:
    """A diff in one line, its first change and how many more: "Budget · Total 500 → 550"."""
    if not diff:
        return ""
    [change] = changes(diff[:1], registry, {})
    told = (text for text in (change["before"], change["after"]) if text is not None)
    sides = [text if len(text) <= BRIEF else f"{text[:BRIEF]}…" for text in told]
    ending = {"add": f"→ {sides[-1]}", "remove": "removed"}.get(diff[0]["op"], " → ".join(sides))
    more = f", and {len(diff) - 1} more" if len(diff) > 1 else ""
    return f"{change['label']} {ending}{more}"


def action_title(action: str, registry: Json) -> str:
    """The action's title, else its id (an action this caller may not see)."""
    titles = {item["id"]: item.get("title") for item in registry.get("actions", [])}
    return titles.get(action) or ADMINISTRATION.get(action) or action


def inputs_of(step: Json, registry: Json) -> list[Json]:
    """The inputs of a step or an execution as `{"label", "value"}`."""
    actions = {item["id"]: item for item in registry.get("actions", [])}
    root = actions.get(step["action"], {}).get("inputs") or {}
    schema = resolve(root, root)
    return [
        {
            "label": property_label(schema, key, property_schema(schema, key, root)),
            "value": show(value),
        }
        for key, value in list((step.get("inputs") or {}).items())[:MOST_ROWS]
    ]


def _step(step: Json, registry: Json, state: Json) -> Json:
    told = not step.get("diff") or step["action"] == REVERT  # no diff names a version
    return {
        "title": step.get("title") or action_title(step["action"], registry),
        "risk": step.get("risk"),
        "changes": changes((step.get("diff") or [])[:MOST_ROWS], registry, state),
        "more": max(0, len(step.get("diff") or step.get("inputs") or []) - MOST_ROWS),
        "explanations": step.get("explanations", []) if step["status"] not in PROMISES else [],
        "inputs": inputs_of(step, registry) if told else [],
        "sends": [
            {"topic": sent["topic"], "body": show(sent["body"])}
            for sent in step.get("messages") or []
        ],
        "builtin": step["action"].startswith(BUILT_IN),
        "reached": True,
    }


def _unreached(step: Json, registry: Json) -> Json:
    return {
        "title": action_title(step["action"], registry),
        "risk": None,
        "changes": [],
        "explanations": [],
        "more": max(0, len(step.get("inputs") or []) - MOST_ROWS),
        "inputs": inputs_of(step, registry),
        "sends": [],
        "builtin": False,
        "reached": False,
    }


def _title(steps: list[Json]) -> str:
    if not steps:
        return "A request"
    return steps[0]["title"] if len(steps) == 1 else f"{len(steps)} steps, committed together"


def _unlock(item: Json) -> Json:
    """One way out as `{"sentence", "steps"}`; only a plan has steps, and with them a button."""
    steps = item.get("steps") if item.get("kind") == "plan" else None
    return {"sentence": str(item.get("sentence", "")), "steps": steps or []}
