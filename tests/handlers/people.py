"""The demo's people, each asking with a session of their own."""

from collections.abc import Sequence
from typing import Any

from tests.conftest import ADMIN_PASSWORD

HARBOR = "/v1/projects/harbor"
PASSWORDS = {name: f"a password of {name}" for name in ("operator", "approver", "viewer")}


class People:
    """The demo's people, each asking in project Harbor."""

    def __init__(self, call: Any) -> None:
        self.call = call
        self.tokens = {name: self.signed_in(name, word) for name, word in PASSWORDS.items()}
        self.tokens["admin"] = self.signed_in("admin", ADMIN_PASSWORD)

    def signed_in(self, username: str, password: str, **more: str) -> str:
        """A new session's token."""
        named = {"username": username, "password": password, **more}
        return str(self.call("POST", "/v1/auth/login", named).body["token"])

    def token(self, who: str, scopes: Sequence[str], projects: Any = None, **more: Any) -> str:
        """A new API token of somebody's."""
        new = {"name": "script", "scopes": list(scopes), "projects": projects, **more}
        return str(self(who, "POST", "/v1/tokens", new).body["token"])

    def __call__(self, who: str, method: str, path: str, body: Any = None, **more: Any) -> Any:
        url = path if path.startswith("/v1") else f"{HARBOR}{path}"
        return self.call(method, url, body, self.tokens[who], **more)

    def execute(self, who: str, step: dict[str, Any], **more: Any) -> Any:
        return self(who, "POST", "/executions", {**step, **more})

    def decide(self, who: str, approval: str, decision: str = "approve", comment: str = "") -> Any:
        said = {"decision": decision, "comment": comment}
        return self(who, "POST", f"/approvals/{approval}/decision", said)

    def state(self) -> Any:
        return self("admin", "GET", "/state").body["components"]
