"""The project that is asked of, by whom."""

from dataclasses import dataclass

from control_plane.models import Principal
from control_plane.registry import Registry


@dataclass(frozen=True, slots=True)
class Target:
    """The project that is asked of, as authentication resolved it for this principal."""

    org: str
    project: str
    principal: Principal
    registry: Registry
