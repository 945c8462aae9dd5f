"""What time brings about: requests that expire, rows to forget; scheduled every minute."""

from typing import Any

from control_plane.governance import outbox_lag, tick
from control_plane.observing.current import measure, say
from control_plane.observing.functions import running
from control_plane.settings import settings


@running("tick")
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001
    """Close what has expired, forget what has been kept long enough; answers how much."""
    url, seconds = settings().chat_agent_database_url, context.get_remaining_time_in_millis() / 1000
    done = tick(url, seconds)
    say(**done)
    measure(outbox_lag_s=outbox_lag(url))
    return done
