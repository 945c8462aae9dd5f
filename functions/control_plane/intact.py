"""What is stored as state is what its hash says, or nothing is done with it."""

from collections.abc import Iterable

from control_plane.canonical import sha256
from control_plane.errors import Damaged


def check_components(components: Iterable[tuple[str, str]]) -> None:
    """Raise `Damaged` unless each component's text, after its hash, is the one that was hashed.

    Which one isn't, verifying says: not everybody may see every component. Whether the hashes are
    what the last success has left is not looked at here.
    """
    if any(sha256(text) != hash for hash, text in components):
        raise Damaged()
