"""What would let a refused ask through: the smallest changes, each verified by simulation.

Nothing here is a guess: an unlock is offered only where predicting it says that it would succeed or
wait for approval. The search is bounded by simulations, and by its caller's clock.
"""

from collections.abc import Callable, Iterator, Sequence
from copy import replace

from control_plane.engine.context import Context
from control_plane.engine.counters import window_end
from control_plane.engine.preparations import preparations
from control_plane.engine.preview import Prediction, predict
from control_plane.models import MAX_STEPS, ROLE_RANK, Decision, Intent, Json

MAX_SIMULATIONS = 80
MAX_UNLOCKS = 3

_ABOUT_COST = {"budget_exceeded", "action_budget_exceeded"}
_ABOUT_ROLE = {"role_required", "rule_rejected"}
_ABOUT_STATE = {"precondition_failed", "rule_rejected", "invariant_broken", "check_failed"}


def unlocks(
    prediction: Prediction, *, late: Callable[[], bool] = lambda: False
) -> list[dict[str, Json]]:
    """Ways to get what was asked, or the most of it, best first; none where nothing is refused.

    `late` is asked around each simulated step whether the search took too long: then what was found
    so far is all, and a most is the most that was tried.
    """
    if prediction.decisions[-1].promises:
        return []
    search = _Search(prediction, late)
    at_once = [*search.waits(), *search.asks()]
    return [*search.plans(), *at_once][:MAX_UNLOCKS]


class _Search:
    """The simulations around one refused prediction."""

    def __init__(self, prediction: Prediction, late: Callable[[], bool]) -> None:
        self._context: Context = prediction.context
        self._steps = list(prediction.intents)
        self._at = len(prediction.decisions) - 1
        self._refused = prediction.decisions[-1]
        self._left = MAX_SIMULATIONS
        self._late = late

    def plans(self) -> Iterator[dict[str, Json]]:
        """Steps to ask for instead: something first, something less, or both."""
        for before in self._befores():
            tried = self._predicted(before, self._steps[self._at]) if before else self._refused
            if tried is None:
                continue
            if tried.promises:
                yield self._plan(before, self._steps[self._at], None)
                return
            if _codes(tried) and _codes(tried) <= _ABOUT_COST:
                less = self._less(before)
                if less is not None:
                    yield self._plan(before, *less)
                    return

    def _befores(self) -> Iterator[tuple[Intent, ...]]:
        """Nothing first; then each preparation that succeeds, then two, where a plan has room."""
        yield ()
        room = MAX_STEPS - len(self._steps)
        if room < 1 or not _codes(self._refused) & _ABOUT_STATE:
            return
        known = [p for p in preparations(self._context) if p.action != self._refused.action]
        works = [p for p in known if self._works((p,))]
        yield from ((p,) for p in works)
        if room > 1:
            yield from ((a, b) for i, a in enumerate(works) for b in works[i + 1 :])

    def _works(self, before: tuple[Intent, ...]) -> bool:
        """Whether the preparations alone would change something."""
        steps = [*self._steps[: self._at], *before]
        decisions = self._simulated(steps, self._context)
        return len(decisions) == len(steps) and decisions[-1].changes and bool(decisions[-1].diff)

    def _predicted(self, before: tuple[Intent, ...], step: Intent) -> Decision | None:
        """The decision on the refused step after the preparations; None where it isn't reached."""
        steps = [*self._steps[: self._at], *before, step, *self._steps[self._at + 1 :]]
        decisions = self._simulated(steps, self._context)
        place = self._at + len(before)
        if len(decisions) <= place:
            return None
        return decisions[-1] if decisions[place].promises else decisions[place]

    def _simulated(self, steps: Sequence[Intent], context: Context) -> Sequence[Decision]:
        """What would be decided; nothing where the search is over."""
        if self._left <= 0 or self._late():
            return ()
        self._left -= 1
        return predict(steps, context, late=self._late).decisions

    def _less(self, before: tuple[Intent, ...]) -> tuple[Intent, str] | None:
        """The most of an integer input that would do, by halving, and that input's name."""
        step = self._steps[self._at]
        for name, value in step.inputs.items():
            if type(value) is not int or value <= 1:
                continue
            most = self._most(before, step, name, value)
            if most is not None:
                return replace(step, inputs={**step.inputs, name: most}), name
        return None

    def _most(self, before: tuple[Intent, ...], step: Intent, name: str, value: int) -> int | None:
        low, high, most = 1, value - 1, None
        while low <= high:
            middle = (low + high) // 2
            tried = self._predicted(before, replace(step, inputs={**step.inputs, name: middle}))
            if tried is not None and tried.promises:
                most, low = middle, middle + 1
            else:
                high = middle - 1
        return most

    def _plan(self, before: tuple[Intent, ...], step: Intent, less: str | None) -> dict[str, Json]:
        steps = [*self._steps[: self._at], *before, step, *self._steps[self._at + 1 :]]
        said = [*(self._said(intent, None) for intent in before), self._said(step, less)]
        sentence = ", then ".join(said)
        return {
            "kind": "plan",
            "steps": [{"action": each.action, "inputs": dict(each.inputs)} for each in steps],
            "sentence": f"{sentence[0].upper()}{sentence[1:]}.",
        }

    def _said(self, intent: Intent, less: str | None) -> str:
        """A step in words: its first phrase with its inputs, else its title."""
        action = self._context.registry.find(intent.action)
        if action is None:
            return intent.action
        shown = {
            name: f"at most {value}" if name == less else _words(value)
            for name, value in intent.inputs.items()
        }
        for phrase in action.phrases:
            if all(f"{{{name}}}" in phrase for name in intent.inputs):
                return _filled(phrase, shown)
        title = action.title[0].lower() + action.title[1:]
        return f"{title} ({less} at most {intent.inputs[less]})" if less else title

    def waits(self) -> Iterator[dict[str, Json]]:
        """The moment from which it would go through, where only time stands in the way."""
        moments = [str(r.facts["until"]) for r in self._refused.reasons if "until" in r.facts]
        if not moments:
            return
        then = max(moments)
        usage = {
            name: used
            for name, used in self._context.usage.items()
            if window_end(name, self._context.at) > then
        }
        later = replace(self._context, at=then, usage=usage)
        if self._promises(later):
            sentence = f"Wait until {then[:10]} {then[11:16]} UTC."
            yield {"kind": "wait", "until": then, "sentence": sentence}

    def asks(self) -> Iterator[dict[str, Json]]:
        """The least role that would get it through, where roles or rules stand in the way."""
        if not _codes(self._refused) & _ABOUT_ROLE:
            return
        own = ROLE_RANK[self._context.principal.role]
        for role in [role for role, rank in ROLE_RANK.items() if role and rank > own]:
            principal = replace(self._context.principal, role=role)
            if self._promises(replace(self._context, principal=principal)):
                sentence = f"Ask someone with the role {role}."
                yield {"kind": "ask", "role": role, "sentence": sentence}
                return

    def _promises(self, context: Context) -> bool:
        decisions = self._simulated(self._steps, context)
        return bool(decisions) and decisions[-1].promises


def _codes(decision: Decision) -> set[str]:
    return {reason.code for reason in decision.reasons}


def _words(value: Json) -> str:
    return str(value).replace("_", " ") if isinstance(value, str) else str(value)


def _filled(phrase: str, shown: dict[str, str]) -> str:
    for name, text in shown.items():
        phrase = phrase.replace(f"{{{name}}}", text)
    return phrase
