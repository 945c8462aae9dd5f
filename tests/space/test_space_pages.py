"""The Space's own pages: the way in, the way out, and the first password change."""

import httpx
import pytest
from chat_space import render
from chat_space.auth import COOKIE
from chat_space.main import create_app
from chat_space.settings import Settings

from tests.space.conftest import SECRET
from tests.space.serving import Server

HTML = {"accept": "text/html"}
ADA = {"username": "ada", "password": "correct horse"}


@pytest.fixture
def browser(space_url):
    """What a browser's navigation sends; follows no redirect."""
    with httpx.Client(base_url=space_url, headers=HTML) as client:
        yield client


def test_the_health_check_asks_nobody(fake, browser):
    """A replica is alive while the API is down."""
    assert browser.get("/livez").json() == {"status": "ok"}
    assert fake.seen == []


def test_a_person_without_a_session_is_led_to_the_sign_in_page_and_back(browser):
    """The address asked for is where signing in leads to."""
    asked = browser.get("/?project=demo")
    assert (asked.status_code, asked.headers["location"]) == (
        303,
        "/login?next=%2F%3Fproject%3Ddemo",
    )
    assert 'value="/?project=demo"' in browser.get(asked.headers["location"]).text
    done = browser.post("/login", data={**ADA, "next": "/?project=demo"})
    assert (done.status_code, done.headers["location"]) == (303, "/?project=demo")


@pytest.mark.parametrize("elsewhere", ["https://evil.test/", "//evil.test", "/\\evil.test", "x"])
def test_signing_in_never_leads_to_another_site(browser, elsewhere):
    """A foreign `next` is replaced by the Space's front page."""
    done = browser.post("/login", data={**ADA, "next": elsewhere})
    assert done.headers["location"] == "/"


def test_a_wrong_password_is_told_on_the_page_and_keeps_the_name(browser):
    """The page comes back with the sentence; no cookie is set."""
    answer = browser.post("/login", data={"username": "a<b", "password": "no"})
    assert answer.status_code == 401
    assert "Username or password is wrong." in answer.text
    assert "a&lt;b" in answer.text
    assert COOKIE not in answer.cookies


def test_another_sites_form_cannot_sign_anybody_in(browser):
    """A POST with a foreign Origin is refused before the API is asked."""
    answer = browser.post("/login", data=ADA, headers={"origin": "https://evil.test"})
    assert answer.status_code == 403
    assert COOKIE not in answer.cookies


def test_every_answer_carries_the_security_headers(browser):
    """Pages of its own allow no inline script at all."""
    page = browser.get("/login")
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["cross-origin-opener-policy"] == "same-origin"
    assert page.headers["referrer-policy"] == "same-origin"
    assert "default-src 'self'" in browser.get("/").headers["content-security-policy"]


def test_signing_out_ends_the_session_at_the_api_too(fake, browser):
    """The old cookie is worth nothing afterwards, even to somebody who kept it."""
    browser.post("/login", data=ADA)
    kept = dict(browser.cookies)
    assert browser.get("/").status_code == 200
    assert browser.get("/logout").headers["location"] == "/login"
    assert COOKIE not in browser.cookies
    assert list(fake.tokens) == ["script-token"]
    assert httpx.get(f"{browser.base_url}/", headers=HTML, cookies=kept).status_code == 303


def test_a_due_password_change_comes_first(fake, browser):
    """Until it is made, every page leads to it and the app stays shut; afterwards it opens."""
    fake.due.add("ada")
    assert browser.post("/login", data=ADA).headers["location"] == "/password"
    assert browser.get("/").headers["location"] == "/password"
    assert browser.get("/config").status_code in (303, 401)
    assert httpx.get(f"{browser.base_url}/config", cookies=dict(browser.cookies)).status_code == 401
    form = {
        "current_password": ADA["password"],
        "new_password": "n3w secret",
        "again": "n3w secret",
    }
    wrong = browser.post("/password", data=form | {"again": "other"})
    assert (wrong.status_code, "differ" in wrong.text) == (422, True)
    assert browser.post("/password", data=form).headers["location"] == "/"
    assert browser.get("/").status_code == 200
    assert fake.users["ada"] == "n3w secret"


def change(browser, **more: str) -> httpx.Response:
    """Change Ada's password on the page."""
    new = {"new_password": "n3w secret", "again": "n3w secret"}
    form = {"current_password": ADA["password"], **new, **more}
    return browser.post("/password", data=form)


def test_a_changed_password_ends_all_sessions_and_begins_a_new_one(fake, browser):
    """The API ends them all; the Space signs in again, in the same organization."""
    browser.post("/login", data=ADA)
    old = browser.cookies[COOKIE]
    assert change(browser).headers["location"] == "/"
    assert browser.get("/").status_code == 200
    assert httpx.get(f"{browser.base_url}/", headers=HTML, cookies={COOKIE: old}).is_redirect
    assert fake.bodies("/auth/login")[-1] == {
        "username": "ada",
        "password": "n3w secret",
        "organization": "main",
    }


def test_where_no_new_session_begins_the_sign_in_page_says_why(fake, browser):
    """An outage between the two leaves a changed password, and somebody who is signed out."""
    browser.post("/login", data=ADA)
    fake.broken = "/auth/login"
    done = change(browser)
    assert done.headers["location"] == "/login?changed=1"
    assert COOKIE not in browser.cookies
    assert "Your password was changed." in browser.get("/login?changed=1").text
    assert fake.users["ada"] == "n3w secret"


def test_a_script_that_signs_in_learns_who_it_is_and_a_plain_sentence_otherwise(space_url):
    """The page's dialog compares the ids, and shows the sentence without the code."""
    answer = httpx.post(f"{space_url}/login", data=ADA).json()
    assert (answer["user"]["id"], answer["organization"]["id"]) == ("u-ada", "o-1")
    wrong = httpx.post(f"{space_url}/login", data=ADA | {"password": "no"}).json()
    assert wrong["detail"].startswith("Username or password is wrong. Still no way in?")


def test_the_header_says_whose_page_it_is(space_url, fake):
    """User and organization by id, and the organization's slug to sign in to again."""
    html = render.header(fake._me("ada"), fake.projects["demo"].item(), [], space_url)
    for attribute in ('user="u-ada"', 'organization="main"', 'organization-id="o-1"'):
        assert f"data-{attribute}" in html


@pytest.mark.parametrize(
    "headers", [{"authorization": "Bearer tök"}, {"cookie": f"{COOKIE}=tök"}]
)  # fmt: skip
def test_a_token_no_header_can_carry_is_no_session(space_url, headers):
    """People are led to the sign-in page, scripts get a 401; nothing breaks."""
    raw = {name: value.encode() for name, value in headers.items()}
    for encoded in (raw, {name: value.encode("latin-1") for name, value in headers.items()}):
        assert httpx.get(f"{space_url}/config", headers=encoded).status_code == 401
        page = httpx.get(f"{space_url}/", headers={**HTML, **encoded})
        assert (page.status_code, page.headers["location"]) == (303, "/login")
        out = httpx.get(f"{space_url}/logout", headers={**HTML, **encoded})
        assert out.status_code == 303


def test_a_script_is_told_that_a_password_change_is_due(fake, space_url):
    """Without Accept: text/html the answers are JSON."""
    fake.due.add("ada")
    answer = httpx.post(f"{space_url}/login", data=ADA)
    assert (answer.status_code, answer.json()["code"]) == (403, "password_change_required")


def test_while_the_api_is_down_people_get_a_page_that_says_so(fake, browser):
    """503 with a sentence, not a traceback and not the sign-in page."""
    browser.headers["authorization"] = "Bearer script-token"
    fake.broken = "/me"
    fake.tokens["another"] = "ada"
    browser.headers["authorization"] = "Bearer another"
    answer = browser.get("/")
    assert answer.status_code == 503
    assert "Not available right now" in answer.text


@pytest.mark.usefixtures("fake")
def test_behind_a_prefix_every_link_carries_it(api_server):
    """A proxy that strips `/agent` in front of the Space: redirects, assets and Gradio follow."""
    settings = Settings(api_server[1], SECRET, root_path="/agent")
    server = Server(create_app(settings)).start()
    try:
        with httpx.Client(base_url=server.url, headers=HTML) as behind:
            assert behind.get("/").headers["location"] == "/agent/login"
            assert 'href="/agent/space-static/space.css' in behind.get("/login").text
            assert behind.post("/login", data=ADA).headers["location"] == "/agent/"
            assert '/agent"' in behind.get("/").text.partition("gradio_config")[2]
    finally:
        server.stop()


def test_signed_in_people_cannot_put_files_on_the_server(browser):
    """The Space takes no uploads, so a full disk or a planted file is out of reach."""
    browser.post("/login", data=ADA)
    answer = browser.post("/gradio_api/upload", files={"files": ("a.txt", b"text")})
    assert answer.status_code == 404


def test_a_link_signs_in_once(fake, browser):
    """It sets the session's cookie and leads to the front page; a used one to the sign-in page."""
    fake.links["one-time"] = "ada"
    done = browser.get("/link/one-time")
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert browser.get("/").status_code == 200
    browser.cookies.clear()
    again = browser.get("/link/one-time")
    assert again.status_code == 401
    assert "This sign-in link has been used" in again.text
    assert 'data-testid="login-form"' in again.text
    assert COOKIE not in again.cookies


def test_only_opening_a_link_uses_it_up(fake, browser):
    """A look at its headers doesn't, and an outage is told as one."""
    fake.links["one-time"] = "ada"
    browser.head("/link/one-time")
    fake.broken = "/auth/link"
    assert "can&#39;t be reached" in browser.get("/link/one-time").text
    fake.broken = None
    assert browser.get("/link/one-time").status_code == 303


def test_a_link_leads_to_a_password_change_that_is_due(fake, browser):
    """The session can do nothing before it."""
    fake.due.add("ada")
    fake.links["one-time"] = "ada"
    assert browser.get("/link/one-time").headers["location"] == "/password"
    assert browser.get("/").headers["location"] == "/password"
