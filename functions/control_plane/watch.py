"""How long declared code may take: it can't be interrupted, only found to be late."""

import time

HANDLER_LIMIT_S = 7.0
"""Under the login's 8 s `idle_in_transaction_session_timeout`, which would end the transaction."""
SEARCH_LIMIT_S = 3.0
"""For all that is simulated to find what would unlock a refused ask: somebody waits for it."""


class Watch:
    """Tells when declared code has taken longer than it may: than a transaction waits for it."""

    def __init__(self, limit: float | None = None) -> None:
        self._started = time.monotonic()
        self._limit = HANDLER_LIMIT_S if limit is None else limit

    def late(self) -> bool:
        """Whether it has been too long, in seconds, since this watch was made."""
        return time.monotonic() - self._started > self._limit
