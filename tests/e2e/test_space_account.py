"""What people do about themselves and their projects in the Space, on the whole real stack."""

import uuid
from collections.abc import Iterator

import httpx
import pytest
from gradio_client import Client
from playwright.sync_api import Browser, Page, expect

from tests.e2e.pages import admins_page
from tests.stack import Stack

pytestmark = pytest.mark.browser


@pytest.fixture
def admin(stack: Stack, chromium: Browser) -> Iterator[Page]:
    """The admin's browser, on project Demo."""
    with admins_page(stack, chromium, "demo") as page:
        yield page


def status_with(stack: Stack, token: str) -> int:
    """What the API says to the holder of a token who asks for their projects."""
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{stack.api}/v1/projects", headers=headers, timeout=20).status_code


def test_a_token_works_until_it_is_revoked(stack: Stack, admin: Page) -> None:
    """Made in the browser, used by a script, and refused at once after the second look."""
    name = f"report {uuid.uuid4().hex[:6]}"
    admin.get_by_test_id("who").click()
    admin.get_by_role("link", name="API tokens").click()
    admin.get_by_label("Name").fill(name)
    admin.get_by_label("Only some").check()
    admin.get_by_role("checkbox", name="Demo").check()
    admin.get_by_role("button", name="Make token").click()
    token = admin.get_by_test_id("token-text").inner_text()
    assert status_with(stack, token) == 200
    script = Client(stack.space, headers={"Authorization": f"Bearer {token}"}, verbose=False)
    assert script.predict("demo", api_name="/get_registry")["code"] == "success"
    sets = [("demo", "demo.counter.set", {"value": value}) for value in (21, 22)]
    made = [script.predict(*each, api_name="/execute_action")["data"] for each in sets]
    back = script.predict("demo", made[0]["execution_id"], api_name="/revert_snapshot")
    assert (back["code"], back["data"]["diff"][0]["value"]) == ("success", 21)
    admin.reload()
    row = admin.get_by_test_id("token").filter(has_text=name)
    expect(row).to_contain_text("read, execute · Demo")
    expect(row).to_contain_text("last used")
    row.get_by_label(f"Revoke {name}", exact=True).click()
    row.get_by_label(f"Revoke {name} for good").click()
    expect(admin.get_by_test_id("note-told")).to_contain_text("is revoked")
    assert status_with(stack, token) == 401


def test_a_project_is_made_renamed_archived_and_purged(stack: Stack, admin: Page) -> None:
    """Each is told with its execution; the page goes on with another project at the end."""
    slug = f"trial-{uuid.uuid4().hex[:6]}"
    admin.get_by_role("tab", name="Admin").click()
    form, note = admin.get_by_test_id("make-project"), admin.get_by_test_id("note-told")
    form.get_by_label("Short name").fill(slug)
    form.get_by_label("Template").fill("nothing")
    admin.get_by_role("button", name="Make project").click()
    expect(note).to_contain_text("There is no template 'nothing'")
    form.get_by_label("Template").fill("demo")
    admin.get_by_role("button", name="Make project").click()
    expect(note).to_contain_text(f"{slug} is made")
    admin.get_by_role("link", name=f"Open {slug}").click()
    expect(admin.get_by_test_id("project-title")).to_have_text(slug)
    admin.get_by_role("tab", name="Admin").click()
    admin.get_by_test_id("admin-project").get_by_label("Title").fill("A trial")
    admin.get_by_role("button", name="Rename").click()
    expect(admin.get_by_test_id("project-title")).to_have_text("A trial")
    admin.get_by_role("button", name="Archive project").click()
    expect(admin.get_by_test_id("banner")).to_contain_text("archived")
    admin.get_by_text("Purge this project").click()
    admin.get_by_label(f"Type {slug} to go on").fill("demo")
    admin.get_by_role("button", name="Purge for good").click()
    expect(note).to_contain_text("slug")
    admin.get_by_label(f"Type {slug} to go on").fill(slug)
    admin.get_by_role("button", name="Purge for good").click()
    expect(note).to_contain_text(f"{slug} is purged.")
    expect(admin.get_by_test_id("project-title")).to_have_text("Harbor")
    assert stack.call("GET", f"/projects/{slug}/state").status_code == 404


def test_a_first_password_opens_nothing_but_its_change(stack: Stack, chromium: Browser) -> None:
    """The page says why; the rule that a new one breaks is told; afterwards the Space opens."""
    name = f"grace-{uuid.uuid4().hex[:6]}"
    made = stack.call("POST", "/users", {"username": name, "password": "a first password"})
    assert made.json()["status"] == "success"
    page = chromium.new_page()
    page.goto(stack.space)
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill("a first password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("main")).to_contain_text("Your password was set by somebody else")
    page.goto(f"{stack.space}/tokens")
    expect(page.get_by_test_id("password-form")).to_be_visible()
    for new, told in (("short", "at least 12 characters."), ("a password of my own", "")):
        page.get_by_label("Current password").fill("a first password")
        page.get_by_label("New password", exact=True).fill(new)
        page.get_by_label("New password, again").fill(new)
        page.get_by_role("button", name="Change password").click()
        if told:
            expect(page.get_by_role("alert")).to_contain_text(told)
    expect(page.get_by_test_id("who")).to_contain_text(name)
    expect(page.locator("#cs-state")).to_contain_text("An admin can make you a member of one.")
    page.close()


def test_too_many_wrong_passwords_are_told_with_a_wait(stack: Stack) -> None:
    """First that name or password is wrong and whom to ask, then how long to wait."""
    wrong = {"username": f"nobody-{uuid.uuid4().hex[:6]}", "password": "wrong"}
    with httpx.Client(base_url=stack.space, headers={"accept": "text/html"}, timeout=20) as browser:
        answers = [browser.post("/login", data=wrong) for _ in range(7)]
    assert answers[0].status_code == 401
    assert "may be disabled: ask an admin" in answers[0].text
    assert answers[-1].status_code == 429
    assert f"Try again in {answers[-1].headers['retry-after']} second" in answers[-1].text
