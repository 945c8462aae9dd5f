"""The fake API's world: projects that preview, execute and keep what was executed."""

import copy
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.space.fake_projects import ACTIONS, COMPONENTS, EFFECTS, states

Json = dict[str, Any]
AT = "2026-11-22T09:57:03.123456Z"


@dataclass
class Project:
    """One project: declarations, state, and every execution so far."""

    slug: str
    title: str
    components: list[Json]
    actions: list[Json]
    state: Json
    version: int = 0
    executions: list[Json] = field(default_factory=list)
    keys: dict[str, Any] = field(default_factory=dict)

    def item(self) -> Json:
        """The project as `/v1/projects` lists it."""
        return {
            "id": f"id-{self.slug}", "slug": self.slug, "title": self.title, "template": self.slug,
            "role": "operator", "version": self.version, "seq": len(self.executions), "at": AT,
            "status": "active",
        }  # fmt: skip

    def registry(self) -> Json:
        """What `/registry` answers."""
        name = {"id": f"id-{self.slug}", "slug": self.slug, "title": self.title}
        return {
            "project": name, "registry": "0" * 64, "components": self.components,
            "actions": self.actions,
        }  # fmt: skip

    def act(self, name: str, inputs: Json, state: Json) -> tuple[str, list[str], list[Json]]:
        """One action on `state`, in place: its status, explanations and diff."""
        if name not in {item["id"] for item in self.actions}:
            return "rejected", [f"There is no action {name}."], []
        return EFFECTS[name](state, inputs)

    def preview(self, steps: list[Json]) -> Json:
        """What `/previews` answers; ends with the first step that is not a success."""
        state, shown = copy.deepcopy(self.state), []
        for step in steps:
            declared = next((a for a in self.actions if a["id"] == step["action"]), {})
            status, why, diff = self.act(step["action"], step["inputs"], state)
            shown.append(
                {
                    "action": step["action"], "action_version": 1, "inputs": step["inputs"],
                    "title": declared.get("title"), "status": status, "explanations": why,
                    "reasons": [{"code": "refused"} for _ in why], "diff": diff,
                    "risk": declared.get("risk"), "cost": declared.get("cost"),
                    "confirmation": declared.get("confirmation", False),
                }
            )  # fmt: skip
            if status != "success":
                break
        effect = json.dumps([self.slug, steps, [s["diff"] for s in shown]])
        return {
            "digest": hashlib.sha256(effect.encode()).hexdigest(), "base_version": self.version,
            "at": AT, "status": shown[-1]["status"], "budget": None, "steps": shown,
            "cost": sum(step["cost"] or 0 for step in shown), "of": len(steps),
        }  # fmt: skip

    def commit(self, request_id: str, steps: list[Json], confirm: str | None) -> list[Json]:
        """Execute the steps as the preview said; one execution per previewed step."""
        done = []
        for at, step in enumerate(self.preview(steps)["steps"], 1):
            if step["confirmation"] and not confirm:
                step |= {"status": "rejected", "explanations": ["It has to be confirmed."]}
            done.append(
                self._execution(step, request_id if len(steps) == 1 else f"{request_id}/{at}")
            )
        return done

    def _execution(self, step: Json, request_id: str) -> Json:
        success = step["status"] == "success"
        if success:
            self.act(step["action"], step["inputs"], self.state)
            self.version += 1
        principal = {
            "kind": "user",
            "id": "u-1",
            "owner": "u-1",
            "via": "session",
            "role": "operator",
        }
        execution = {
            "seq": len(self.executions) + 1, "request_id": request_id, "at": AT, "hash": "0" * 64,
            "principal": principal, "username": "ada", "action": step["action"], "v": 1,
            "status": step["status"], "explanations": step["explanations"],
            "reasons": step["reasons"], "inputs": step["inputs"], "cost": step["cost"],
            "diff": step["diff"] if success else [],
        } | ({"version": self.version} if success else {})  # fmt: skip
        self.executions.append(execution)
        return execution


def worlds() -> dict[str, Project]:
    """The projects, fresh."""
    return {
        slug: Project(slug, slug.title(), COMPONENTS[slug], ACTIONS[slug], state)
        for slug, state in states().items()
    }


def read(message: str, actions: list[Json]) -> list[Json] | None:
    """The steps a message asks for by the actions' phrases, or None where a part is unknown."""
    steps = []
    for part in re.split(r",? then ", message.strip()):
        step = next((found for item in actions if (found := _match(part, item))), None)
        if step is None:
            return None
        steps.append(step)
    return steps


def _match(part: str, item: Json) -> Json | None:
    for phrase in item["phrases"]:
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(phrase))
        if found := re.fullmatch(pattern, part, re.IGNORECASE):
            inputs = {key: _typed(text) for key, text in found.groupdict().items()}
            return {"action": item["id"], "inputs": inputs}
    return None


def _typed(text: str) -> Any:
    return int(text) if re.fullmatch(r"-?\d+", text) else text
