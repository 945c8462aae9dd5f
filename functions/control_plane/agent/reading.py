"""Every way in which words can be read as steps; only what has exactly one is understood."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice, pairwise, product

from control_plane.agent.actions import Action, Misfit
from control_plane.agent.clauses import Gap, gaps, requests
from control_plane.agent.interpretation import Step
from control_plane.agent.templates import Template, Templates
from control_plane.agent.values import read_json
from control_plane.agent.words import Words, is_quotation, source
from control_plane.canonical import canonical
from control_plane.models import Json

# More than two readings are as ambiguous as two.
_ENOUGH = 3
# A clause with more places to part it is parted at all of them or at none.
_MOST_WEAK_GAPS = 24

type Reading = tuple[Step, ...]


@dataclass
class Reader:
    """Reads messages as steps of these actions. `misfits` tells what nearly was one."""

    actions: Sequence[Action]
    misfits: dict[str, tuple[int, bool]] = field(default_factory=dict)

    @cached_property
    def templates(self) -> Templates:
        """The phrases of all actions."""
        return Templates(self.actions)

    @cached_property
    def _by_id(self) -> Mapping[str, Action]:
        return {action.id.lower(): action for action in self.actions}

    def readings(self, text: str, words: Words) -> list[Reading]:
        """At most three different readings of the words, none where a part has none."""
        clauses = _clauses(words)
        ways = [self._ways(text, part, weak) for part, weak in clauses]
        if not ways:
            return []
        return [tuple(chain(*parts)) for parts in islice(product(*ways), _ENOUGH)]

    def unread(self, text: str, words: Words) -> Words:
        """The first strongly parted clause that has no reading; `misfits` are then its own."""
        for part, weak in _clauses(words):
            self.misfits.clear()
            if not self._ways(text, part, weak):
                return part
        return ()

    def _ways(self, text: str, words: Words, weak: Sequence[Gap]) -> list[Reading]:
        """Readings of a clause, over every choice of weak gaps to part it at."""
        if len(weak) > _MOST_WEAK_GAPS:
            return [*self._ways(text, words, ()), *self._finest(text, words, weak)][:_ENOUGH]
        begins = [0, *(gap.end for gap in weak)]
        ends = [*(gap.begin for gap in weak), len(words)]
        reached: list[list[Reading]] = [[()]]
        for last, end in enumerate(ends):
            found = [
                (*before, step)
                for first in range(last + 1)
                if reached[first]
                for step in self.steps(text, words[begins[first] : end])
                for before in reached[first]
            ]
            reached.append(found[:_ENOUGH])
        return reached[-1]

    def _finest(self, text: str, words: Words, weak: Sequence[Gap]) -> list[Reading]:
        """Readings of a clause parted at every weak gap."""
        edges = [0, *(edge for gap in weak for edge in (gap.begin, gap.end)), len(words)]
        spans = zip(edges[::2], edges[1::2], strict=True)
        parts = (self.steps(text, words[begin:end]) for begin, end in spans)
        return list(islice(product(*_until_empty(parts)), _ENOUGH))

    def steps(self, text: str, words: Words) -> list[Step]:
        """The steps that these words ask for as one step; several only where they weigh equal."""
        for request in requests(words):
            found = self._explicit(text, request) or self._by_phrase(text, request)
            if found:
                return found
        return []

    def _explicit(self, text: str, words: Words) -> list[Step]:
        """`action.id key=value …` or `action.id {json}`."""
        action = self._by_id.get(words[0].key) if words else None
        if action is None:
            return []
        step = self._fitting(action, lambda: _spelled_out(action, text, words[1:]), (99, True))
        return [step] if step else []

    def _by_phrase(self, text: str, words: Words) -> list[Step]:
        best: tuple[int, bool] = (0, False)
        found: dict[str, Step] = {}
        for template, captured in self.templates.matching(words):
            if template.weight < best:
                continue
            step = self._from_template(text, template, captured)
            if step is not None:
                found = found if template.weight == best else {}
                best = template.weight
                found[step.action + canonical(step.inputs)] = step
        return list(found.values())

    def _from_template(
        self, text: str, template: Template, captured: Mapping[str, Words]
    ) -> Step | None:
        action = template.action

        def inputs() -> dict[str, Json]:
            return {name: _read(action, name, text, at) for name, at in captured.items()}

        return self._fitting(action, inputs, template.weight)

    def _fitting(
        self, action: Action, inputs: Callable[[], dict[str, Json]], weight: tuple[int, bool]
    ) -> Step | None:
        try:
            return action.step(inputs())
        except Misfit as misfit:
            self.misfits[str(misfit)] = weight
            return None


def _until_empty(parts: Iterable[list[Step]]) -> Iterator[list[Step]]:
    """The parts up to and including the first that is empty; no later one is worth reading."""
    for part in parts:
        yield part
        if not part:
            return


def _clauses(words: Words) -> list[tuple[Words, list[Gap]]]:
    """Words parted at strong gaps, each part with the weak gaps inside it."""
    parts: list[tuple[Words, list[Gap]]] = []
    begin, weak = 0, list[Gap]()
    for gap in [*gaps(words), Gap(len(words), len(words), strong=True)]:
        if not gap.strong:
            weak.append(Gap(gap.begin - begin, gap.end - begin, strong=False))
            continue
        if gap.begin > begin:
            parts.append((words[begin : gap.begin], weak))
        begin, weak = gap.end, []
    return parts


def _spelled_out(action: Action, text: str, words: Words) -> dict[str, Json]:
    """The inputs in `key=value …` or in one JSON object. Raises `Misfit`."""
    for given in read_json(source(text, words), frozenset({"object"})):
        return dict(given)
    at = [begin for begin in range(len(words)) if _names_input(action, text, words[begin:])]
    if words and at[:1] != [0]:
        names = " ".join(f"{name}=…" for name in action.properties) or "nothing"
        raise Misfit(f"“{action.title}” takes {names} after its name.")
    return {
        source(text, words[begin : begin + 1]): _value(action, text, words[begin:end])
        for begin, end in pairwise([*at, len(words)])
    }


def _names_input(action: Action, text: str, words: Words) -> bool:
    return len(words) > 1 and words[1].key == "=" and source(text, words[:1]) in action.properties


def _value(action: Action, text: str, words: Words) -> Json:
    name, _, *value = words
    if value and value[-1].key == ",":
        value.pop()
    return _read(action, source(text, [name]), text, value)


def _read(action: Action, name: str, text: str, words: Words) -> Json:
    """The value of an input. What begins with a quotation must be that and nothing else."""
    if len(words) > 1 and is_quotation(text, words[0]):
        raise Misfit(f"“{action.title}”: put the quotes around all of {name}.")
    return action.read(name, source(text, words))
