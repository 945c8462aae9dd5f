"""A policy document as people write it, YAML or JSON, read strictly and with every error's line.

Of YAML it takes what JSON can say: no anchors, aliases or tags. Plain words are resolved as YAML
1.2 does, so that `22:00`, `on`, `no`, `2026-01-01` and `010` are texts, not what YAML 1.1 makes
of them.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import orjson

from control_plane.canonical import MAX_DEPTH, MAX_INTEGER
from control_plane.engine.policy import MAX_BYTES, PolicyRefused, compile_policy
from control_plane.engine.policy_errors import Place, Problem
from control_plane.models import Json
from control_plane.registry import Registry

type Media = Literal["yaml", "json"]

_WORDS: dict[str, Json] = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    re.ASCII,
)
_JSON_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]|[^\s{}\[\],:"]+|\n', re.DOTALL)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class _Event(NamedTuple):
    """A piece of a text: a map or a list begins or ends, or a scalar stands there."""

    kind: Literal["map", "list", "end", "scalar"]
    line: int
    text: str = ""
    value: Json = None


def read_policy(
    text: str, media: Media | None = None, registry: Registry | None = None
) -> dict[str, Json]:
    """The document that a text of at most 64 KiB says, validated and otherwise as it was written.

    Without `media`, what is JSON is read as JSON and all else as YAML. With a `registry`, what it
    names is declared there. Raises `PolicyRefused`, whose errors have their lines: the first of the
    text itself, else every one of the document.
    """
    written = read_text(text, media)
    try:
        compile_policy(written.document, registry)
    except PolicyRefused as error:
        raise written.located(error) from error
    return written.document


def read_text(text: str, media: Media | None = None, *, limit: int = MAX_BYTES) -> "Written":
    """What a text of at most so many bytes says, and on which lines.

    Raises `PolicyRefused` with the first thing in it that JSON, as we store it, can't say. What
    the document means is not checked here.
    """
    if len(text) > limit or len(text.encode(errors="replace")) > limit:
        raise _refused(1, f"Write it in at most {limit // 1024} KiB.")
    written = Written()
    for event in _events(text, media):
        written.take(event)
    return written


def _events(text: str, media: Media | None) -> Iterator[_Event]:
    if media == "yaml":
        return _yaml_events(text)
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if media is None:
            return _yaml_events(text)
        raise _refused(error.lineno, f"This is no JSON: {error.msg}.") from error
    return _json_events(text)


def _json_events(text: str) -> Iterator[_Event]:
    """The pieces of a text that is known to be JSON."""
    line = 1
    for piece in _JSON_PIECE.findall(text):
        if piece == "\n":
            line += 1
        elif piece in "{[":
            yield _Event("map" if piece == "{" else "list", line)
        elif piece in "}]":
            yield _Event("end", line)
        else:
            value = json.loads(piece) if piece[0] in '"tfn' else _number(piece)
            yield _Event("scalar", line, str(value), value)


def _yaml_events(text: str) -> Iterator[_Event]:
    import yaml

    try:
        for event in yaml.parse(text, yaml.BaseLoader):
            yield from _translated(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise _refused(line, f"This is no YAML: {error.problem or error.context}.") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _refused(line, "Remove the character that can't be printed.") from error


def _translated(event: Any) -> Iterator[_Event]:
    """The piece that one of YAML's events is, if it is one. What JSON can't say is refused."""
    import yaml

    line = event.start_mark.line + 1
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
        raise _refused(line, "Write it out: there are no anchors (&) and aliases (*) here.")
    if getattr(event, "tag", None) is not None:
        raise _refused(line, "Leave the tag (!) out.")
    if isinstance(event, yaml.ScalarEvent):
        value = event.value if event.style is not None else _resolved(event.value)
        yield _Event("scalar", line, event.value, value)
    elif isinstance(event, yaml.CollectionStartEvent):
        yield _Event("map" if isinstance(event, yaml.MappingStartEvent) else "list", line)
    elif isinstance(event, yaml.CollectionEndEvent):
        yield _Event("end", line)


def _resolved(word: str) -> Json:
    """What a plain word means: YAML 1.2's core schema, of whose integers only the decimal."""
    if word in _WORDS:
        return _WORDS[word]
    return _number(word) if _INTEGER.fullmatch(word) or _FLOAT.fullmatch(word) else word


def _number(word: str) -> int | float:
    """The number that a word says; infinite where it is more than can be kept."""
    if not _INTEGER.fullmatch(word):
        return float(word.replace(".", "") if word[-1].isalpha() else word)
    number = int(word) if len(word) < 18 else MAX_INTEGER + 1
    return number if abs(number) <= MAX_INTEGER else math.inf


@dataclass(slots=True)
class _Level:
    """A map or list that isn't at its end yet; `key` is what the next value belongs to."""

    container: Any
    place: Place
    key: str | None = None


@dataclass(slots=True)
class Written:
    """What a text says, and on which line it says so."""

    document: Any = None
    _begun: bool = False
    _open: list[_Level] = field(default_factory=list)
    _lines: dict[Place, int] = field(default_factory=dict)

    def line(self, place: Place) -> int:
        """The line of a place, or of what it is missing from."""
        while place and place not in self._lines:
            place = place[:-1]
        return self._lines.get(place, 1)

    def located(self, refused: PolicyRefused) -> PolicyRefused:
        """The refusal of this document with the line of each error, in the lines' order."""
        found = [problem._replace(line=self.line(problem.place)) for problem in refused.problems]
        return PolicyRefused(sorted(found, key=lambda problem: problem.line or 0))

    def take(self, event: _Event) -> None:
        """Add the next piece. Raises `PolicyRefused` for one that can't stand there."""
        level = self._open[-1] if self._open else None
        if event.kind == "end":
            self._open.pop()
        elif level and isinstance(level.container, dict) and level.key is None:
            self._take_key(level, event)
        else:
            self._take_value(level, event)

    def _take_key(self, level: _Level, event: _Event) -> None:
        place = (*level.place, event.text)
        if event.kind != "scalar":
            raise _refused(event.line, "Give a text as the key.", level.place)
        _check(event.text, place, event.line)
        if event.text in level.container:
            first = self._lines[place]
            raise _refused(event.line, f"It stands on line {first} already: keep one.", place)
        level.key = event.text
        self._lines[place] = event.line

    def _take_value(self, level: _Level | None, event: _Event) -> None:
        place = self._attach(level, event)
        if event.kind == "scalar":
            return _check(event.value, place, event.line)
        if len(self._open) == MAX_DEPTH:
            raise _refused(event.line, f"Nest at most {MAX_DEPTH} levels.", place)
        below = self.document if level is None else level.container[place[-1]]
        self._open.append(_Level(below, place))
        return None

    def _attach(self, level: _Level | None, event: _Event) -> Place:
        made = {"map": dict, "list": list}
        value = event.value if event.kind == "scalar" else made[event.kind]()
        if level is None:
            if self._begun:
                raise _refused(event.line, "Keep one document: a second one begins here.")
            self.document, self._begun = value, True
            self._lines[()] = event.line
            return ()
        if isinstance(level.container, list):
            level.container.append(value)
            place = (*level.place, len(level.container) - 1)
            self._lines[place] = event.line
            return place
        key, level.key = level.key, None
        level.container[key] = value
        return (*level.place, str(key))


def _check(value: Json, place: Place, line: int) -> None:
    """Refuse what PostgreSQL or canonical JSON can't hold."""
    if isinstance(value, float) and not math.isfinite(value):
        raise _refused(line, "Give a number between −(2^53−1) and 2^53−1.", place)
    if isinstance(value, str) and _UNSTORABLE.search(value):
        raise _refused(line, "Remove U+0000 and lone surrogates from the text.", place)


def _refused(line: int, sentence: str, place: Place = ()) -> PolicyRefused:
    return PolicyRefused([Problem(place, sentence, line)])
