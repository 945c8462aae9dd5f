"""What a trusted proxy says about the browser's side of the connection."""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

EVERYBODY = "*"


class TrustedProxies:
    """Takes the scheme from X-Forwarded-Proto where the sender is trusted, and from nobody else.

    `trusted` lists addresses and networks, with commas, or is `*`. Raises ValueError for others.
    """

    def __init__(self, app: ASGIApp, trusted: str) -> None:
        self._app = app
        self._networks = networks(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with the scheme that the browser used."""
        if scope["type"] == "http" and self._trusts(scope):
            # The first of several is what the outermost proxy saw.
            forwarded = HTTPConnection(scope).headers.get("x-forwarded-proto", "")
            scheme = forwarded.split(",")[0].strip()
            if scheme in ("http", "https"):
                scope["scheme"] = scheme
        await self._app(scope, receive, send)

    def _trusts(self, scope: Scope) -> bool:
        if self._networks is None:
            return True
        try:
            sender = ip_address((scope.get("client") or ("",))[0])
        except ValueError:
            return False
        return any(sender in network for network in self._networks)


def networks(trusted: str) -> list[IPv4Network | IPv6Network] | None:
    """The networks that a setting lists, None for everybody. Raises ValueError."""
    if trusted.strip() == EVERYBODY:
        return None
    return [ip_network(item.strip()) for item in trusted.split(",") if item.strip()]
