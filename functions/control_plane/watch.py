"""How long declared code may take: it can't be interrupted, only found to be late."""

import time

HANDLER_LIMIT_S = 7.0
"""Under the login's 8 s `idle_in_transaction_session_timeout`, which would end the transaction."""


class Watch:
    """Tells when declared code has taken longer than a transaction may wait for it."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def late(self) -> bool:
        """Whether it has been too long since this watch was made."""
        return time.monotonic() - self._started > HANDLER_LIMIT_S
