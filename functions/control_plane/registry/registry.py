"""The declarations in force, looked up by decisions and listed for callers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points

from control_plane.canonical import canonical, sha256
from control_plane.engine.expressions import Expression, compile_expression
from control_plane.models import Json
from control_plane.registry.builtin import built_in
from control_plane.registry.checks import DeclarationError, require
from control_plane.registry.conditions import check_against, check_beginning
from control_plane.registry.declared import Action, Check, Component
from control_plane.registry.template import Template

ENTRY_POINT_GROUP = "gradio_chat_agent.templates"


class Registry:
    """The declarations in force in projects of one template.

    Raises `DeclarationError` for conditions that can't hold beside all its components.
    """

    def __init__(self, template: Template) -> None:
        self.template = template.name
        self.components: Mapping[str, Component] = dict(sorted(template.components.items()))
        self.removed = frozenset(template.removed)
        self._reads: dict[str, set[str] | None] = {}
        built = built_in(template.name, list(self.components))
        self._named = {**template.actions, **{action.name: action for action in built}}
        latest = sorted(self._named.values(), key=lambda action: (action.id, action.version))
        self.actions: Mapping[str, Action] = {action.id: action for action in latest}
        self._check_conditions()

    def _check_conditions(self) -> None:
        states = {id: component.initial for id, component in self.components.items()}
        names: set[str] = set()
        for owner, checks in self._owned():
            check_against(states, f"{self.template}: {owner}", checks)
            for name in [check_name(owner, check) for check in checks]:
                twice = f"{self.template}: a component and an action both have the check {name}"
                require(name not in names, f"{twice}: rename one.")
                names.add(name)
        for id, component in self.components.items():
            check_beginning(states, f"{self.template}: {id}", component.invariants)

    def _owned(self) -> Iterator[tuple[str, Sequence[Check]]]:
        """All checks, by the owner that records name them with."""
        for action in self._named.values():
            yield owner_of(action), action.requires
        for component in self.components.values():
            yield component.id, component.invariants

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
        """What a caller may see: latest actions and components.

        Developers' and admins' actions and unreadable components are for admins. Administration
        has routes of its own: nobody is to propose it.
        """
        components = [c.described for c in self.components.values() if c.readable or admin]
        actions = [
            action.described
            for action in self.actions.values()
            if not action.administrative
            and (admin or (action.visibility == "user" and action.needed_role != "admin"))
        ]
        return {"components": components, "actions": actions}

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the declarations, as records name them: what is listed, and the beginning."""
        initial = {id: component.initial for id, component in self.components.items()}
        unlisted = {"initial": initial, "removed": sorted(self.removed)}
        return sha256(canonical({**self.described, **unlisted}))

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
        return {
            check_name(owner, check): check.message
            for owner, checks in self._owned()
            for check in checks
        }

    def needed(self, names: Iterable[str]) -> list[str] | None:
        """Ids of the components that deciding on these actions reads; None for all of them."""
        needed: set[str] = set()
        for action in filter(None, map(self.find, names)):
            if action.name not in self._reads:
                self._reads[action.name] = self._read_by(action)
            read = self._reads[action.name]
            if read is None:
                return None
            needed |= read
        return sorted(needed)

    def _read_by(self, action: Action) -> set[str] | None:
        """Ids of the declared components that deciding on an action reads; None for all."""
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
        return read & self.components.keys()


def concerns(owner: str, expression: Expression, changed: set[str]) -> bool:
    """Whether an invariant has to hold anew when these components change."""
    named = expression.components
    return owner in changed or named is None or bool(named & changed)


def owner_of(action: Action) -> str:
    """An action as the names of its checks have it: later versions have checks of their own."""
    return action.id if action.version == 1 else action.name


def check_name(owner: str, check: Check) -> str:
    """A check as records name it."""
    return f"{owner}/{check.id}"


def load_registries() -> dict[str, Registry]:
    """The registry of each installed template, by name; ours first, then entry points'.

    Raises `DeclarationError` for two templates of one name, and for one that can't be loaded.
    """
    from control_plane.templates import BUILT_IN

    templates = [*BUILT_IN, *map(_load, entry_points(group=ENTRY_POINT_GROUP))]
    registries: dict[str, Registry] = {}
    for template in templates:
        twice = f"Template {template.name} is installed twice: remove one."
        require(template.name not in registries, twice)
        registries[template.name] = Registry(template)
    return registries


def _load(point: EntryPoint) -> Template:
    package = point.dist.name if point.dist else "an unknown package"
    where = f"Entry point {point.name} ({point.value}) of {package}"
    try:
        template = point.load()
    except (Exception, SystemExit) as error:
        sentence = f"{where} can't be loaded: repair or remove that package. {error}"
        raise DeclarationError(sentence) from error
    require(isinstance(template, Template), f"{where} is no Template: let it name one.")
    return template
