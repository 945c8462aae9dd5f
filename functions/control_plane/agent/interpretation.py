"""What a message was understood as: steps to propose, an answer, or a question back."""

from collections.abc import Sequence
from dataclasses import dataclass

from control_plane.canonical import canonical
from control_plane.models import Json


@dataclass(frozen=True, slots=True)
class Step:
    """One action to propose, with its inputs as JSON."""

    action: str
    inputs: dict[str, Json]

    def asked(self) -> dict[str, Json]:
        """The step as `/previews` and `/plans` take it; nothing else ever reaches them."""
        return {"action": self.action, "inputs": self.inputs}

    def spelled_out(self) -> str:
        """The step as `action.id key=value`, a sentence with only one reading."""
        values = (f"{name}={canonical(value)}" for name, value in self.inputs.items())
        return " ".join([self.action, *values])


@dataclass(frozen=True, slots=True)
class Proposal:
    """Steps in the order they are to run. Proposing them changes nothing."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A sentence that answers a question; nothing is proposed."""

    message: str


@dataclass(frozen=True, slots=True)
class Clarification:
    """A question back, with up to three sentences that do work."""

    message: str
    suggestions: tuple[str, ...] = ()


type Interpretation = Proposal | Answer | Clarification


def propose(steps: Sequence[Step], limit: int) -> Proposal | Clarification:
    """The steps as a proposal, or a refusal of more than the mode allows."""
    if len(steps) <= limit:
        return Proposal(tuple(steps))
    return over_limit(len(steps), limit, (spelled_out(steps[:limit]),))


def over_limit(count: int, limit: int, suggestions: tuple[str, ...] = ()) -> Clarification:
    """The refusal of more steps than the mode allows: none of them is proposed."""
    allowed = "one step" if limit == 1 else f"{limit} steps"
    return Clarification(
        f"That is {count} steps, and this mode takes at most {allowed} at a time. "
        "Send fewer, or choose a mode that takes more.",
        suggestions,
    )


def spelled_out(steps: Sequence[Step]) -> str:
    """Steps as one sentence with only one reading."""
    return "; ".join(step.spelled_out() for step in steps)
