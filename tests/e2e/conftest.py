"""One running stack for the end-to-end tests, started as a user starts it."""

from collections.abc import Iterator

import pytest

from tests.stack import Stack, start


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """`chat-agent up --ephemeral`, ready."""
    stack = start("--ephemeral")
    yield stack
    assert stack.stop() == 0
