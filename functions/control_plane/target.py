"""The project that is asked of, by whom."""

from msgspec import Struct

from control_plane.models import Principal
from control_plane.registry import Registry


class Target(Struct, frozen=True):
    """The project that is asked of, as authentication resolved it for this principal."""

    org: str
    project: str
    principal: Principal
    registry: Registry
