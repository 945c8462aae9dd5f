"""What is wrong, and where: the first record that is not what it should be."""

from copy import replace
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, in one sentence; `object` is a key of the archive or of an anchor."""

    problem: str
    object: str | None = None
    line: int | None = None
    project: str | None = None
    seq: int | None = None

    def __str__(self) -> str:
        """Where and what, as a person reads it."""
        named = [
            self.project and f"project {self.project}",
            self.seq and f"seq {self.seq}",
            self.object,
            self.line and f"line {self.line}",
        ]
        where = ", ".join(part for part in named if part)
        return f"{where}: {self.problem}" if where else self.problem

    def members(self) -> dict[str, Any]:
        """The finding as JSON."""
        return asdict(self)


class Broken(Exception):
    """The trail ends here; whoever knows more about the place adds it with `within`."""

    def __init__(self, problem: str, **where: Any) -> None:
        self.finding = Finding(problem, **where)
        super().__init__(problem)

    def within(self, **where: Any) -> "Broken":
        """The same fault with what was not yet known about its place."""
        unknown = {name: at for name, at in where.items() if getattr(self.finding, name) is None}
        self.finding = replace(self.finding, **unknown)
        return self
