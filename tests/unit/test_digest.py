"""A preview's digest binds all that was promised: with anything else it is another."""

from collections.abc import Iterator
from copy import replace
from typing import Any

import pytest
from control_plane.engine.context import Context
from control_plane.engine.preview import predict
from control_plane.models import Intent, Message
from control_plane.registry import Check

from tests.unit.conftest import MakeContext
from tests.unit.test_registry import boxed, do


def digest(context: Context) -> str:
    """The digest of `box.do` there."""
    return predict([Intent("box.do", {})], context).digest


@pytest.fixture
def plain(context_of: MakeContext) -> Iterator[Context]:
    """A context whose digest is the same each time."""
    context = context_of(do(boxed()))
    yield context
    assert digest(context) == digest(context_of(do(boxed())))


def declared(context_of: MakeContext, **more: Any) -> str:
    """The digest of `box.do` declared so."""
    return digest(context_of(do(boxed(), **more)))


def test_it_binds_the_principal(plain: Context) -> None:
    """Nobody confirms what was shown to somebody else, a person's token included."""
    other = replace(plain, principal=replace(plain.principal, id="u2"))
    token = replace(plain, principal=replace(plain.principal, kind="token"))
    assert len({digest(plain), digest(other), digest(token)}) == 3


def test_it_binds_the_project(plain: Context) -> None:
    """What was shown of one project confirms nothing in another."""
    assert digest(plain) != digest(replace(plain, project="q"))


def test_it_binds_the_cost(plain: Context, context_of: MakeContext) -> None:
    """Nobody pays more than was shown."""
    assert digest(plain) != declared(context_of, cost=1)


def test_it_binds_the_messages(context_of: MakeContext) -> None:
    """Nothing is sent but what was shown, topic and body."""
    sent = [(), (Message("t", 1),), (Message("t", 2),), (Message("u", 1),)]
    digests = {declared(context_of, messages=lambda each=each: each) for each in sent}
    assert len(digests) == len(sent)


def test_it_binds_the_actions_version(plain: Context, context_of: MakeContext) -> None:
    """A newer version that does the same is another promise."""
    assert digest(plain) != declared(context_of, version=2)


def test_it_binds_the_reasons(context_of: MakeContext) -> None:
    """Two refusals are told apart by why."""
    refusals = [[Check("a", text, "A.")] for text in ("false", 'state["box"].no == 1')]
    first, second = [declared(context_of, requires=checks) for checks in refusals]
    assert first != second
