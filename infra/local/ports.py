"""Ports of this machine: free ones, and those that somebody asked for."""

import http.client
import socket
import time

from infra.local.errors import LocalError

GRACE = 2.0  # seconds for a stack that was just killed to let go of its ports


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def require_port(port: int, option: str) -> None:
    """Raise LocalError, naming the command's option, when somebody else keeps `port`."""
    deadline = time.monotonic() + GRACE
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if time.monotonic() > deadline:
                    raise LocalError(
                        f"Port {port} is taken by another program. Choose another with {option}."
                    ) from error
                time.sleep(0.1)
            else:
                return


def answers(port: int, path: str) -> bool:
    """Tell whether the HTTP server on 127.0.0.1:`port` answers 200 on `path` within 2 s."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_for_port(port: int, seconds: float) -> bool:
    """Wait until somebody listens on 127.0.0.1:`port`; False when nobody does in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False
