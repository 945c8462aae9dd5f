"""The declarations in force, looked up by decisions and listed for callers."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from importlib.metadata import entry_points
from typing import Annotated

from pydantic import BaseModel, Field

from control_plane.canonical import MAX_INTEGER, canonical, sha256
from control_plane.engine.expressions import Expression, compile_expression
from control_plane.models import Json
from control_plane.registry.declared import STRICT, Action, Changed, Check, Component, View
from control_plane.registry.template import DeclarationError, Template

ENTRY_POINT_GROUP = "gradio_chat_agent.templates"
REVERT = "project.revert"
"""The built-in action that brings back an earlier state; its handler gets that state as a view."""


class RevertInputs(BaseModel):
    """Which version to go back to."""

    model_config = STRICT

    version: Annotated[int, Field(ge=0, le=MAX_INTEGER)]


def _bring_back(past: View, version: int) -> Changed:  # noqa: ARG001 (the view is of that version)
    return dict(past)


class Registry:
    """The declarations in force in projects of one template."""

    def __init__(self, template: Template) -> None:
        self.template = template.name
        self.components: Mapping[str, Component] = dict(sorted(template.components.items()))
        self.removed = frozenset(template.removed)
        self._named = {**template.actions, f"{REVERT}@v1": self._revert()}
        latest = sorted(self._named.values(), key=lambda action: (action.id, action.version))
        self.actions: Mapping[str, Action] = {action.id: action for action in latest}

    def _revert(self) -> Action:
        return Action(
            REVERT,
            _bring_back,
            RevertInputs,
            title="Go back to an earlier version",
            changes=[f"/{id}" for id in self.components],
            required_role="admin",
            risk="high",
        )

    def find(self, name: str) -> Action | None:
        """The action of this id, in its latest version, or of this `id@vN`."""
        return self.actions.get(name) or self._named.get(name)

    @cached_property
    def described(self) -> dict[str, Json]:
        """All declarations as JSON: `{"components": [...], "actions": [...]}`, older ones too."""
        return {
            "components": [component.described for component in self.components.values()],
            "actions": [self._named[name].described for name in sorted(self._named)],
        }

    def listed(self, *, admin: bool) -> dict[str, Json]:
        """What a caller may see: latest actions; developers' and unreadable ones for admins."""
        components = [c.described for c in self.components.values() if c.readable or admin]
        actions = [
            action.described
            for action in self.actions.values()
            if admin or (action.visibility == "user" and action.required_role != "admin")
        ]
        return {"components": components, "actions": actions}

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the declarations, as records name them."""
        return sha256(canonical(self.described))

    @cached_property
    def schema_versions(self) -> dict[str, int]:
        """The schema version of each component, 0 for those declared to be gone."""
        declared = {id: component.schema_version for id, component in self.components.items()}
        return {**dict.fromkeys(self.removed, 0), **declared}

    @cached_property
    def invariants(self) -> list[tuple[str, Check, Expression]]:
        """Every invariant with its component's id and its compiled expression."""
        return [
            (component.id, check, compile_expression(check.expression))
            for component in self.components.values()
            for check in component.invariants
        ]

    @cached_property
    def sentences(self) -> dict[str, str]:
        """What to tell people, by the check's id as records name it."""
        owned = [(action.id, action.requires) for action in self._named.values()]
        owned += [(component.id, component.invariants) for component in self.components.values()]
        return {
            check_name(owner, check): check.message for owner, checks in owned for check in checks
        }

    def needed(self, names: Iterable[str]) -> list[str] | None:
        """Ids of the components that deciding on these actions reads; None for all of them."""
        needed: set[str] = set()
        for action in filter(None, map(self.find, names)):
            read = self._read_by(action)
            if read is None:
                return None
            needed |= read
        return sorted(needed & self.components.keys())

    def _read_by(self, action: Action) -> set[str] | None:
        read = set(action.targets)
        expressions = [compile_expression(check.expression) for check in action.requires]
        expressions += [
            expression
            for owner, _, expression in self.invariants
            if concerns(owner, expression, set(action.targets))
        ]
        for expression in expressions:
            if expression.components is None:
                return None
            read |= expression.components
        return read


def concerns(owner: str, expression: Expression, changed: set[str]) -> bool:
    """Whether an invariant has to hold anew when these components change."""
    named = expression.components
    return owner in changed or named is None or bool(named & changed)


def check_name(owner: str, check: Check) -> str:
    """A check as records name it."""
    return f"{owner}/{check.id}"


def load_registries() -> dict[str, Registry]:
    """The registry of each installed template, by name; ours first, then entry points'.

    Raises `DeclarationError` for two templates of one name.
    """
    from control_plane.templates import BUILT_IN

    templates = [*BUILT_IN, *(point.load() for point in entry_points(group=ENTRY_POINT_GROUP))]
    registries: dict[str, Registry] = {}
    for template in templates:
        if template.name in registries:
            raise DeclarationError(f"Template {template.name} is installed twice: remove one.")
        registries[template.name] = Registry(template)
    return registries
