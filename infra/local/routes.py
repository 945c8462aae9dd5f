"""Which route of an HTTP API takes a request, chosen as API Gateway documents it."""

import re
from dataclasses import dataclass
from functools import cached_property

from infra.local.template import RouteSpec

DEFAULT = "$default"


@dataclass(frozen=True)
class Route:
    """One route of the API: its key, and the function that serves it."""

    spec: RouteSpec

    @cached_property
    def method(self) -> str:
        """The HTTP method, ANY, or `$default`."""
        return self.spec.key.split(" ", 1)[0]

    @cached_property
    def rank(self) -> tuple[list[int], int]:
        """How specific it is, lower first: words, then {variables}, then {greedy+}; ANY last."""
        if self.spec.key == DEFAULT:
            return [4], 1
        kinds = [
            3 if segment.endswith("+}") else 2 if segment.startswith("{") else 1
            for segment in self._path.split("/")[1:]
        ]
        return kinds, int(self.method == "ANY")

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the path parameters when this route takes `method` on `path`, else None."""
        if self.spec.key == DEFAULT:
            return {}
        found = self._pattern.fullmatch(path)
        return found.groupdict() if found and self.method in (method, "ANY") else None

    @cached_property
    def _path(self) -> str:
        return self.spec.key.split(" ", 1)[1]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        parts = re.split(r"\{(\w+)(\+?)\}", self._path)
        text = re.escape(parts[0])
        for name, greedy, literal in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
            text += f"(?P<{name}>{'.+' if greedy else '[^/]+'})" + re.escape(literal)
        return re.compile(text, re.DOTALL)


class Router:
    """Routes in the order in which API Gateway prefers them.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
    """

    def __init__(self, specs: list[RouteSpec]) -> None:
        self.routes = sorted((Route(spec) for spec in specs), key=lambda route: route.rank)

    def find(self, method: str, path: str) -> tuple[RouteSpec, dict[str, str]] | None:
        """Return the route for a decoded `path` and its path parameters, or None for a 404."""
        for route in self.routes:
            parameters = route.match(method, path)
            if parameters is not None:
                return route.spec, parameters
        return None
