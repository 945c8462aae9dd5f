"""A context in memory: what the store would have loaded."""

from collections.abc import Callable
from copy import replace

import pytest
from control_plane.canonical import canonical, sha256
from control_plane.engine.context import Context
from control_plane.models import GENESIS_HASH, Held, Json, Principal, Role
from control_plane.registry import Registry, Template

type MakeContext = Callable[..., Context]

PERSON = Principal("user", "u1", "u1", "session")


def held(state: Json) -> Held:
    """A component's state as stored."""
    text = canonical(state)
    return Held(sha256(text), 1, 1, len(text.encode()), text)


@pytest.fixture
def context_of() -> MakeContext:
    """Make a context of a template: `context_of(template, role="viewer", **states)`."""

    def make(template: Template, role: Role = "operator", **states: Json) -> Context:
        registry = Registry(template)
        initial = {id: component.initial for id, component in registry.components.items()}
        given = {id.replace("__", "."): state for id, state in states.items()}
        return Context(
            org="o",
            project="p",
            principal=replace(PERSON, role=role),
            registry=registry,
            at="2026-11-22T12:00:00.000000Z",
            seq=0,
            version=1,
            hash=GENESIS_HASH,
            components={id: held(state) for id, state in {**initial, **given}.items()},
        )

    return make
