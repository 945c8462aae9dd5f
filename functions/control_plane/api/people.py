"""Signing in and out, one's own password, and who one is."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from control_plane import people, signing_in
from control_plane.api import bodies, shared

router = APIGatewayHttpRouter()


@router.post("/auth/login")
def login(body: bodies.Login) -> Response[str]:
    """Open a session and answer its token."""
    opened = signing_in.login(shared.store(), body.username, body.password, body.organization)
    return shared.answer(opened)


@router.post("/auth/link")
def login_by_link(body: bodies.Link) -> Response[str]:
    """Open a session by a link that signs in once."""
    return shared.answer(signing_in.login_by_link(shared.store(), body.link))


@router.post("/auth/logout")
def logout() -> Response[str]:
    """End the session of the token that is sent."""
    caller = shared.person(router)
    signing_in.logout(shared.store(), caller, shared.bearer(router) or "")
    return shared.no_content()


@router.post("/auth/password")
def change_password(body: bodies.PasswordChange) -> Response[str]:
    """Change one's own password; all of one's sessions end, this one too."""
    people.change_password(
        shared.store(),
        shared.registries(),
        shared.person(router),
        body.current_password,
        body.new_password,
    )
    return shared.no_content()


@router.get("/me")
def me() -> Response[str]:
    """Who the sender of this request is."""
    caller = shared.anyone(router)
    [organization] = shared.store().read(caller.org, "organization_by_id")
    return shared.answer(
        {
            "user": {"id": caller.user, "username": caller.username},
            "organization": organization,
            "admin": caller.admin,
            "must_change_password": caller.must_change_password,
        }
    )
