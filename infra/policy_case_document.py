"""The shape of a policy's cases, as people write them."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from control_plane.engine.counters import BUDGET, HOUR, MINUTE, QUOTA, budget_of
from control_plane.engine.policy_document import Part, left_out
from control_plane.engine.policy_fields import Count, given
from control_plane.models import Intent, Role, Status
from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

type Values = dict[str, Any]
MaybeRole = Annotated[Role | None, BeforeValidator(given, json_schema_input_type=Role)]
NOON = "2026-01-01T12:00:00.000000Z"
EXAMPLE = "2026-01-01T12:00:00Z"
FIRST_YEAR, LAST_YEAR = 1970, 9000


def _moment(text: str, case: ValidationInfo) -> str:
    """A moment as records write it, in years that leave room for what follows it."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise ValueError(text)
    except ValueError as error:
        name = case.data.get("name", "")
        raise ValueError(
            f"The case {name!r} takes a moment from {FIRST_YEAR} to {LAST_YEAR} with its offset,"
            f' such as "{EXAMPLE}".'
        ) from error
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


class Who(Part):
    """Who asks: what conditions see of a person."""

    role: Role
    kind: Literal["user", "token", "webhook", "schedule"] = "user"
    id: str = "someone"
    username: str = ""
    email: str = ""
    attributes: Values = Field(default_factory=dict)


class Others(Part):
    """How many others could approve: admins, and operators together with them."""

    admin: Count = 0
    operator: Count = 0


class Subject(Part):
    """Whom administration is about: their role, if they are a member, and who there is beside."""

    role: MaybeRole = left_out()
    others: Others = Field(default_factory=Others)
    admin: bool = False
    disabled: bool = False
    admins: Count = 1

    def loaded(self) -> dict[str, Any]:
        """As the engine is told of them; whoever may as an admin may as an operator, too."""
        others = {"admin": self.others.admin}
        others["operator"] = max(self.others.operator, self.others.admin)
        return self.model_dump() | {"others": others}


class Step(Part):
    """What is asked for."""

    action: str
    inputs: Values = Field(default_factory=dict)


MaybeSubject = Annotated[Subject | None, BeforeValidator(given, json_schema_input_type=Subject)]
MaybeStep = Annotated[Step | None, BeforeValidator(given, json_schema_input_type=Step)]
Steps = Annotated[list[Step], Field(max_length=10)]


class Usage(Part):
    """What has been counted before: by the minute, hour and day, and costs of the day."""

    minute: Count = 0
    hour: Count = 0
    day: Count = 0
    budget: Count = 0
    action_budgets: dict[str, Count] = Field(default_factory=dict)

    def counters(self) -> dict[str, int]:
        """As the engine names them."""
        named = {MINUTE: self.minute, HOUR: self.hour, QUOTA: self.day, BUDGET: self.budget}
        return named | {budget_of(id): used for id, used in self.action_budgets.items()}


class Expect(Part):
    """How it ends; the reason codes, in any order, matter only where they are given."""

    status: Status
    reasons: list[str] | None = None


class Case(Part):
    """One ask, its circumstances, and how it must end."""

    name: str
    principal: Who
    intent: MaybeStep = left_out()
    steps: Steps = Field(default_factory=list)
    confirmed: bool = True
    state: Values = Field(default_factory=dict)
    now: Annotated[str, AfterValidator(_moment)] = NOON
    usage: Usage = Field(default_factory=Usage)
    subject: MaybeSubject = left_out()
    expect: Expect

    @model_validator(mode="after")
    def _asks(self) -> "Case":
        if (self.intent is None) == (not self.steps):
            raise ValueError("Give either an intent or steps.")
        return self

    @property
    def intents(self) -> list[Intent]:
        """What is asked for, in its order."""
        asked = self.steps or ([self.intent] if self.intent else [])
        return [Intent(step.action, step.inputs) for step in asked]


class Cases(Part):
    """Cases of one policy in projects of one template."""

    template: str
    cases: Annotated[list[Case], Field(min_length=1)]
