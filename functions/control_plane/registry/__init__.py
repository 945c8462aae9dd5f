"""Declare components and actions. A template is a set of both that a project is made from.

The smallest action:

    @demo.action("demo.counter.set", changes="/demo.counter/value", phrases=["set it to {value}"])
    def set_counter(state: View, value: int) -> Changed:
        "Set the counter."
        return {"demo.counter": {"value": value}}

A handler is pure: it gets a read-only view of its targets and its inputs, and returns the whole
new state of each component that it changes.
"""

from control_plane.models import Message
from control_plane.registry.builtin import REVERT
from control_plane.registry.checks import DeclarationError
from control_plane.registry.declared import (
    Action,
    Changed,
    Check,
    Component,
    Handler,
    RootState,
    State,
    View,
)
from control_plane.registry.registry import Registry, load_registries
from control_plane.registry.template import Template

__all__ = [
    "REVERT",
    "Action",
    "Changed",
    "Check",
    "Component",
    "DeclarationError",
    "Handler",
    "Message",
    "Registry",
    "RootState",
    "State",
    "Template",
    "View",
    "load_registries",
]
