"""HTTP: routes, and the one mapping of errors. Parses, calls one use case, answers."""

from control_plane.api.app import serve

__all__ = ["serve"]
