"""The demo's people, each asking in project Harbor."""

from collections.abc import Callable
from typing import Any

from tests.conftest import ADMIN_PASSWORD

HARBOR = "/v1/projects/harbor"
PASSWORDS = {name: f"a password of {name}" for name in ("operator", "approver", "viewer")}


class People:
    """The demo's people, each asking in project Harbor."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call
        self.tokens = {name: self._token(name, word) for name, word in PASSWORDS.items()}
        self.tokens["admin"] = self._token("admin", ADMIN_PASSWORD)

    def _token(self, username: str, password: str) -> str:
        answer = self._call("POST", "/v1/auth/login", {"username": username, "password": password})
        return str(answer.body["token"])

    def __call__(self, who: str, method: str, path: str, body: Any = None, **more: Any) -> Any:
        url = path if path.startswith("/v1") else f"{HARBOR}{path}"
        return self._call(method, url, body, self.tokens[who], **more)

    def execute(self, who: str, step: dict[str, Any], **more: Any) -> Any:
        return self(who, "POST", "/executions", {**step, **more})

    def decide(self, who: str, approval: str, decision: str = "approve", comment: str = "") -> Any:
        said = {"decision": decision, "comment": comment}
        return self(who, "POST", f"/approvals/{approval}/decision", said)

    def state(self) -> Any:
        return self("admin", "GET", "/state").body["components"]
