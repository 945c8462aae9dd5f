"""The one tree of errors, each with a stable code, and their only mapping to HTTP (RFC 9457).

ControlPlaneError
 ├─ Malformed            400  the request can't be read
 ├─ InvalidBody          422  it can be read and doesn't fit the schema
 ├─ Unauthenticated      401  who asks is not known
 ├─ PasswordChangeRequired 403
 ├─ WrongPassword        403
 ├─ InsufficientScope    403  an API token lacks the scope
 ├─ Forbidden            403  who asks is known and may not
 ├─ NotFound             404  absent, or secret from the caller
 ├─ MethodNotAllowed     405  the address is there, for other methods
 ├─ Conflict             409  a name is taken
 ├─ ConfirmationStale    409  what was confirmed is no longer what would happen
 ├─ StateErased          410  what was at a version was erased
 ├─ BodyTooLarge         413
 ├─ UnsupportedMediaType 415
 ├─ IdempotencyConflict  422  one key, two bodies
 ├─ Throttled            429
 ├─ Damaged              500  what is stored isn't what its hashes say: nothing goes on from it
 └─ Unavailable          503  nothing was committed, or the key tells what was: try again
"""

from http import HTTPStatus
from typing import Any, ClassVar


class ControlPlaneError(Exception):
    """Something went wrong; the message says what happened and what to do."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, detail: str | None = None, **members: Any) -> None:
        self.detail = detail or (self.__doc__ or "").strip()
        self.members = members
        super().__init__(self.detail)

    @property
    def headers(self) -> dict[str, str]:
        """Response headers that belong to this error."""
        return {}


class Malformed(ControlPlaneError):
    """The request can't be read. Send JSON as the API's description says."""

    code = "malformed"
    status = HTTPStatus.BAD_REQUEST


class InvalidBody(ControlPlaneError):
    """The request doesn't fit the API's description. Correct the members named in `errors`."""

    code = "invalid_body"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class Unauthenticated(ControlPlaneError):
    """Sign in first: send a valid token as `Authorization: Bearer`."""

    code = "unauthenticated"
    status = HTTPStatus.UNAUTHORIZED

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class PasswordChangeRequired(ControlPlaneError):
    """Change your password first: POST /v1/auth/password."""

    code = "password_change_required"
    status = HTTPStatus.FORBIDDEN


class WrongPassword(ControlPlaneError):
    """The current password is wrong. Nothing was changed."""

    code = "wrong_password"
    status = HTTPStatus.FORBIDDEN


class Forbidden(ControlPlaneError):
    """You may not do this. Ask an admin."""

    code = "forbidden"
    status = HTTPStatus.FORBIDDEN


class InsufficientScope(ControlPlaneError):
    """The API token lacks the scope that `scope` names. Make one that has it."""

    code = "insufficient_scope"
    status = HTTPStatus.FORBIDDEN

    @property
    def headers(self) -> dict[str, str]:
        scope = self.members["scope"]
        return {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'}


class NotFound(ControlPlaneError):
    """There is nothing here, or you may not see it."""

    code = "not_found"
    status = HTTPStatus.NOT_FOUND


class MethodNotAllowed(ControlPlaneError):
    """This address takes other methods: see `allow`."""

    code = "method_not_allowed"
    status = HTTPStatus.METHOD_NOT_ALLOWED

    @property
    def headers(self) -> dict[str, str]:
        return {"Allow": ", ".join(self.members["allow"])}


class Conflict(ControlPlaneError):
    """The name is taken. Choose another."""

    code = "conflict"
    status = HTTPStatus.CONFLICT


class ConfirmationStale(ControlPlaneError):
    """What you confirmed is no longer what would happen. Nothing was changed; see `preview`."""

    code = "confirmation_stale"
    status = HTTPStatus.CONFLICT


class ApprovalSuperseded(ControlPlaneError):
    """Superseded: what was approved is not what would now happen. Nothing was changed; the new
    request is `approval`, and `preview` shows it."""

    code = "approval_superseded"
    status = HTTPStatus.CONFLICT


class StateErased(ControlPlaneError):
    """The state of that version was erased. Look at one before the erased versions, or after."""

    code = "state_erased"
    status = HTTPStatus.GONE


class InvalidPolicy(ControlPlaneError):
    """The policy can't hold as it is written. Correct the lines and keys that are named."""

    code = "invalid_policy"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class BodyTooLarge(ControlPlaneError):
    """The body is too large. Send at most 256 KiB."""

    code = "body_too_large"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMediaType(ControlPlaneError):
    """Bodies are JSON. Send `Content-Type: application/json`."""

    code = "unsupported_media_type"
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class IdempotencyConflict(ControlPlaneError):
    """This request id was already used for another request. Take a new one."""

    code = "idempotency_conflict"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class Throttled(ControlPlaneError):
    """Too many attempts. Wait as long as Retry-After says."""

    code = "throttled"
    status = HTTPStatus.TOO_MANY_REQUESTS

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.members["retry_after"])}


class Damaged(ControlPlaneError):
    """The stored state isn't what its hash says. Let an operator run `chat-agent audit verify`."""

    code = "damaged"


class Unavailable(ControlPlaneError):
    """The database didn't answer in time. Send the same request, with the same id, again."""

    code = "unavailable"
    status = HTTPStatus.SERVICE_UNAVAILABLE

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"}


def problem(error: ControlPlaneError) -> dict[str, Any]:
    """The RFC 9457 body of an error: type, title, status, detail, code, and its own members."""
    return {
        **error.members,
        "type": "about:blank",
        "title": error.status.phrase,
        "status": error.status.value,
        "detail": error.detail,
        "code": error.code,
    }
