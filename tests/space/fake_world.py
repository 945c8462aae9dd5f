"""The fake API's world: projects that preview, execute and keep what was executed."""

import copy
import hashlib
import json
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.space.fake_projects import ACTIONS, COMPONENTS, EFFECTS, replaced, states

Json = dict[str, Any]
AT = "2026-11-22T09:57:03.123456Z"
NEEDS_ADMIN = {"harbor.budget.set"}
ASKS = {"role": "admin", "count": 1, "expires_in": None, "because": ["budget-needs-admin"]}


class Problem(Exception):
    """A problem document to answer with."""

    def __init__(
        self, status: int, code: str, detail: str, headers: Json | None = None, **members: Any
    ) -> None:
        super().__init__(detail)
        self.status, self.headers = status, headers
        body = {"type": "about:blank", "title": code, "status": status, "detail": detail}
        self.body = {**body, "code": code, **members}


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
    limit: int | None = None
    used: int = 0
    paused: bool = False
    status: str = "active"
    roles: dict[str, str] = field(default_factory=lambda: {"ada": "operator"})
    policies: list[Json] = field(default_factory=list)
    requests: list[Json] = field(default_factory=list)
    pasts: dict[int, Json] = field(default_factory=dict)  # the state at each version
    erased: set[int] = field(default_factory=set)  # versions whose state was

    def role(self, name: str) -> str:
        """Somebody's role in the project."""
        return self.roles.get(name, "operator")

    def item(self, name: str = "ada") -> Json:
        """The project as `/v1/projects` lists it to somebody."""
        return {
            "id": f"id-{self.slug}", "slug": self.slug, "title": self.title, "template": self.slug,
            "role": self.role(name), "version": self.version, "seq": len(self.executions),
            "at": AT, "status": self.status, "paused": self.paused,
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
        if name == "project.revert":
            return "success", [], self._revert(state, inputs["version"])
        if name not in {item["id"] for item in self.actions}:
            return "rejected", [f"There is no action {name}."], []
        return EFFECTS[name](state, inputs)

    def preview(self, steps: list[Json], role: str = "operator") -> Json:
        """What `/previews` answers; ends with the first step that would be refused."""
        state, shown = copy.deepcopy(self.state), []
        for step in steps:
            shown.append(self._step(step, state, role))
            if shown[-1]["status"] not in ("success", "pending_approval"):
                break
        promised = shown[-1]["status"] in ("success", "pending_approval")
        waits = promised and any(step["approval"] for step in shown)
        cost = sum(step["cost"] or 0 for step in shown) if promised else 0
        effect = json.dumps([self.slug, steps, [s["diff"] for s in shown]])
        return {
            "digest": hashlib.sha256(effect.encode()).hexdigest(), "base_version": self.version,
            "at": AT, "status": "pending_approval" if waits else shown[-1]["status"],
            "budget": self._budget(cost), "approval": ASKS if waits else None, "steps": shown,
            "cost": cost, "of": len(steps), "unlocks": [] if promised else self._unlocks(steps),
        }  # fmt: skip

    def _step(self, step: Json, state: Json, role: str) -> Json:
        declared = next((a for a in self.actions if a["id"] == step["action"]), {})
        status, why, diff = self.act(step["action"], step["inputs"], state)
        waits = status == "success" and step["action"] in NEEDS_ADMIN and role != "admin"
        cost = declared.get("cost")
        if step["action"] == "harbor.release.rollout":
            cost = 2 * step["inputs"]["percent"]
        return {
            "action": step["action"], "action_version": 1, "inputs": step["inputs"],
            "title": declared.get("title"), "status": "pending_approval" if waits else status,
            "explanations": ["It needs approval: 1 × admin."] if waits else why,
            "reasons": [{"code": "refused"} for _ in why], "diff": diff,
            "risk": declared.get("risk"), "cost": cost, "approval": ASKS if waits else None,
            "confirmation": declared.get("confirmation", False), "messages": [],
        }  # fmt: skip

    def _revert(self, state: Json, version: int) -> list[Json]:
        """Bring a version back; components that are as they were stay."""
        past = copy.deepcopy(self.pasts[version])
        return [
            replaced(state, f"/{id}", value) for id, value in past.items() if state[id] != value
        ]

    def _budget(self, cost: int) -> Json | None:
        if self.limit is None:
            return None
        return {"limit": self.limit, "used": self.used, "after": self.used + cost}

    def _unlocks(self, steps: list[Json]) -> list[Json]:
        if steps[-1]["action"] != "harbor.release.rollout":
            return []
        most = ((self.limit or 100) - self.used - 1) // 2
        plan = [
            {"action": "harbor.incident.resolve", "inputs": {}},
            {"action": "harbor.release.rollout", "inputs": {"percent": most}},
        ]
        said = f"Resolve the incident, then roll out to at most {most} percent."
        wait = {"kind": "wait", "until": AT, "sentence": "Wait until 2026-11-23 00:00 UTC."}
        return [{"kind": "plan", "steps": plan, "sentence": said}, wait]

    def commit(
        self, request_id: str, steps: list[Json], confirm: str | None, who: str = "ada",
        granted: bool = False,
    ) -> list[Json]:  # fmt: skip
        """Execute the steps as the preview said; one execution per previewed step."""
        done = []
        for at, step in enumerate(self.preview(steps, self.role(who))["steps"], 1):
            if step["confirmation"] and not confirm:
                step |= {"status": "rejected", "explanations": ["It has to be confirmed."]}
            if granted and step["status"] == "pending_approval":
                step |= {"status": "success", "explanations": []}
            request = request_id if len(steps) == 1 else f"{request_id}/{at}"
            done.append(self._execution(step, request, who))
        return done

    def _execution(self, step: Json, request_id: str, who: str) -> Json:
        success = step["status"] == "success"
        if success:
            self.act(step["action"], step["inputs"], self.state)
            self.used += step["cost"] or 0
        return self.record(
            step["action"], who, step["status"], request_id=request_id, inputs=step["inputs"],
            explanations=step["explanations"], reasons=step["reasons"], cost=step["cost"],
            diff=step["diff"] if success else [],
        )  # fmt: skip

    def record(self, action: str, who: str, status: str = "success", **more: Any) -> Json:
        """One more execution in the audit log."""
        self.version += status == "success"
        self.pasts[self.version] = copy.deepcopy(self.state)
        principal = {
            "kind": "user", "id": f"u-{who}", "owner": f"u-{who}", "via": "session",
            "role": self.role(who),
        }  # fmt: skip
        execution = {
            "seq": len(self.executions) + 1, "request_id": "r", "at": AT, "hash": "0" * 64,
            "execution_id": str(uuid.uuid4()),
            "principal": principal, "username": who, "action": action, "v": 1,
            "status": status, "explanations": [], "reasons": [], "inputs": {}, "cost": 0,
            "diff": [], **more,
        } | ({"version": self.version} if status == "success" else {})  # fmt: skip
        self.executions.append(execution)
        return execution


def worlds() -> dict[str, Project]:
    """The projects, fresh."""
    made = {
        slug: Project(slug, slug.title(), COMPONENTS[slug], ACTIONS[slug], state)
        for slug, state in states().items()
    }
    made["harbor"].limit = 100
    for project in made.values():
        project.roles |= {"approver": "admin", "root": "admin"}
    return made


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
