"""Which project the page opens, in a real browser: the one it was asked for, or none."""

import re

import pytest
from playwright.sync_api import expect

from tests.space.browsing import say, sign_in, watched
from tests.space.fake_api import FakeApi
from tests.space.fake_world import Project

pytestmark = pytest.mark.browser

NOT_HERE = "There is no such project, or you may not see it. Choose another one at the top."


def crowd(fake: FakeApi) -> None:
    """Put 204 projects before the two that there are."""
    names = [f"p{number:03}" for number in range(204)]
    fake.projects = {
        name: Project(name, name.title(), [], [], {}) for name in names
    } | fake.projects


def test_a_project_is_opened_however_many_there_are(chromium, space_url, fake):
    """The 206th, too; all of them stand in the switcher, and in the form of API tokens."""
    crowd(fake)
    with watched(chromium, space_url) as page:
        sign_in(page, space_url, "harbor")
        expect(page.get_by_test_id("project-title")).to_have_text("Harbor")
        expect(page).to_have_url(re.compile(r"project=harbor$"))
        expect(page.get_by_test_id("project-switcher").locator("option")).to_have_count(206)
        page.goto(f"{space_url}/tokens")
        expect(page.locator("[name='in']")).to_have_count(206)


def test_an_admin_sees_every_project_of_the_organization(root, fake):
    """However many there are."""
    crowd(fake)
    root.get_by_role("tab", name="Work").click()
    root.get_by_role("tab", name="Admin").click()
    expect(root.get_by_test_id("project")).to_have_count(206)


@pytest.mark.parametrize("there", [["demo", "harbor"], ["demo"]])
def test_a_project_that_is_not_there_opens_no_other(demo_page, space_url, fake, there):
    """The page says so and offers those that are there; the address stays as it was asked."""
    fake.projects = {slug: fake.projects[slug] for slug in there}
    demo_page.goto(f"{space_url}/?project=habor")
    expect(demo_page.locator("#cs-state")).to_contain_text(NOT_HERE)
    expect(demo_page.get_by_test_id("project-title")).to_have_text("No project")
    expect(demo_page).to_have_url(re.compile(r"project=habor$"))
    say(demo_page, "add 3")
    expect(demo_page.get_by_test_id("message-agent")).to_have_text("There is no such project.")
    demo_page.get_by_test_id("project-switcher").select_option("demo")
    expect(demo_page.get_by_test_id("project-title")).to_have_text("Demo")
    expect(demo_page).to_have_url(re.compile(r"project=demo$"))


def test_a_project_that_goes_meanwhile_is_not_exchanged_for_another(demo_page, fake):
    """Coming back to the page shows no other project's state above this one's conversation."""
    del fake.projects["demo"]
    # Two readings are at least five seconds apart: let six pass on the page's clock.
    demo_page.evaluate("const now = Date.now(); Date.now = () => now + 6000")
    with demo_page.expect_response(re.compile("queue/data")):
        demo_page.evaluate("dispatchEvent(new Event('focus'))")
    say(demo_page, "add 3")
    expect(demo_page.get_by_test_id("message-agent")).to_have_text("There is no such project.")
    expect(demo_page.get_by_test_id("project-title")).to_have_text("Demo")
