"""The shape of a policy document (its keys are fixed), and what is wrong with one that hasn't it.

The shape is also the JSON Schema of the API's description.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from control_plane.engine.policy_errors import PolicyRefused, Problem, problems_of
from control_plane.engine.policy_fields import (
    MAX_ITEMS,
    ActionId,
    ActionList,
    Condition,
    Count,
    DayList,
    Hours,
    MaybeCount,
    MaybeSeconds,
    Risks,
    RuleId,
    Text,
    Zone,
)
from control_plane.models import Json, Role


def left_out() -> Any:
    """The default None, which the schema keeps quiet about: written down, it would be refused."""
    return Field(default=None, json_schema_extra=_without_default)


def _without_default(schema: dict[str, Any]) -> None:
    del schema["default"]


class Part(BaseModel):
    """Base of the document's parts: strict types, and no keys but these.

    They are built when the first document is read: half the import's time, off the cold path.
    """

    model_config = ConfigDict(strict=True, extra="forbid", defer_build=True)


class Rate(Part):
    """What one person may try in a project."""

    per_minute: MaybeCount = left_out()
    per_hour: MaybeCount = left_out()


class Quota(Part):
    """How many executions may succeed in a project."""

    per_day: MaybeCount = left_out()


class Budget(Part):
    """What the executions of a project may cost."""

    daily: MaybeCount = left_out()


class ActionBudget(Part):
    """What the executions of one action may cost in a project."""

    daily: Count


class Limits(Part):
    """Limits in fixed UTC windows; what is left out isn't limited."""

    rate: Rate = Field(default_factory=Rate)
    quota: Quota = Field(default_factory=Quota)
    budget: Budget = Field(default_factory=Budget)


class Approval(Part):
    """Asks for approval where all that it names fits."""

    min_cost: MaybeCount = left_out()
    risk: Risks = []
    actions: ActionList = []
    required_role: Literal["operator", "admin"] = "admin"
    require_count: Annotated[int, Field(ge=1, le=20)] = 1
    expires_in: MaybeSeconds = left_out()


class Rule(Part):
    """What follows where a condition holds. `message` is what people read then."""

    id: RuleId
    description: Text = ""
    condition: Condition
    effect: Literal["allow", "reject", "require_approval"]
    message: Text = ""
    mode: Literal["enforce", "observe"] = "enforce"


class RoleMapping(Part):
    """Gives a role to whoever fits the condition."""

    role: Role
    condition: Condition


class Window(Part):
    """Days and hours of a wall clock. The end may be on the next day."""

    days: DayList = ["mon-sun"]
    hours: Hours = ["00:00", "24:00"]
    timezone: Zone = "UTC"


class Windows(Part):
    """Where any are given, things are done only while one of them is open."""

    allowed: Annotated[list[Window], Field(max_length=MAX_ITEMS)] = []


class Document(Part):
    """A project's policy. `{}` is one, which limits nothing."""

    limits: Limits = Field(default_factory=Limits)
    action_budgets: Annotated[
        dict[ActionId, ActionBudget],
        Field(max_length=MAX_ITEMS, json_schema_extra={"additionalProperties": False}),
    ] = {}
    approvals: Annotated[list[Approval], Field(max_length=MAX_ITEMS)] = []
    rules: Annotated[list[Rule], Field(max_length=MAX_ITEMS)] = []
    role_mappings: Annotated[list[RoleMapping], Field(max_length=MAX_ITEMS)] = []
    execution_windows: Windows = Field(default_factory=Windows)


def schema(ref_template: str = "#/$defs/{model}") -> dict[str, Json]:
    """The JSON Schema 2020-12 of a policy document, whose parts are referred to by a template."""
    return Document.model_json_schema(ref_template=ref_template)


def validated(document: Mapping[str, Json], *, stored: bool = False) -> Document:
    """The document as typed values. Raises `PolicyRefused` with everything that is wrong in it.

    Of a `stored` one conditions need only compile: those that never have an answer deny, as ever.
    """
    problems = _repeated_ids(document)
    try:
        read = Document.model_validate(document, context={"stored": stored})
    except ValidationError as error:
        raise PolicyRefused([*problems_of(error, schema()), *problems]) from error
    if problems:
        raise PolicyRefused(problems)
    return read


def _repeated_ids(document: Json) -> list[Problem]:
    rules = document.get("rules") if isinstance(document, dict) else None
    seen, problems = set(), []
    for place, rule in enumerate(rules if isinstance(rules, list) else ()):
        id = rule.get("id") if isinstance(rule, dict) else None
        if isinstance(id, str) and id in seen:
            sentence = f"Two rules have the id {id}: rename one."
            problems.append(Problem(("rules", place, "id"), sentence))
        seen.add(id if isinstance(id, str) else None)
    return problems
