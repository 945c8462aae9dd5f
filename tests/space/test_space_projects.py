"""Projects in a real browser: made, renamed, archived, and purged."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.space.browsing import administer, press, say, sign_in, watched

pytestmark = pytest.mark.browser


def make(page: Page, slug: str, title: str, template: str) -> None:
    """Fill in the form and make the project."""
    form = page.get_by_test_id("make-project")
    form.get_by_label("Short name").fill(slug)
    form.get_by_label("Title").fill(title)
    form.get_by_label("Template").fill(template)
    press(page, "Make project")


def purge(page: Page, slug: str) -> None:
    """Open the question, type the slug, and purge."""
    field = page.get_by_label(re.compile("^Type "))
    if not field.is_visible():
        page.get_by_text("Purge this project").click()
    field.fill(slug)
    press(page, "Purge for good")


def test_a_project_is_made_from_a_template_and_opened(root, fake):
    """It is an execution, stands in the switcher at once, and Open leads to it."""
    make(root, "second", "Second harbor", "harbor")
    note = root.get_by_test_id("note-told")
    expect(note).to_contain_text("Second harbor is made: open it, and add members. (execution 1)")
    assert fake.projects["second"].executions[0]["action"] == "project.create"
    expect(root.get_by_test_id("project-switcher")).to_contain_text("Second harbor")
    root.get_by_role("link", name="Open Second harbor").click()
    expect(root.get_by_test_id("project-title")).to_have_text("Second harbor")
    expect(root).to_have_url(re.compile("project=second"))


def test_what_cannot_be_made_is_said_and_stays_typed(root):
    """A template that isn't there names those that are; a name that is taken says so."""
    note, form = root.get_by_test_id("note-told"), root.get_by_test_id("make-project")
    make(root, "third", "Third", "nothing")
    expect(note).to_have_text("There is no template 'nothing'; there are: demo, harbor.")
    expect(form.get_by_label("Short name")).to_have_value("third")
    make(root, "harbor", "Another", "harbor")
    expect(note).to_have_text("The name is taken. Choose another.")


def test_only_admins_of_the_organization_make_projects(admin):
    """An admin of a project sees no such form."""
    expect(admin.get_by_test_id("admin-project")).to_be_visible()
    expect(admin.get_by_test_id("make-project")).to_have_count(0)


def test_a_project_gets_another_title(admin, fake):
    """The header shows it at once; its slug stays."""
    admin.get_by_label("Title").fill("Harbour")
    press(admin, "Rename")
    expect(admin.get_by_test_id("note-told")).to_contain_text("It is called Harbour now.")
    expect(admin.get_by_test_id("project-title")).to_have_text("Harbour")
    assert fake.projects["harbor"].title == "Harbour"


def test_an_archived_project_is_read_only_until_it_is_resumed(admin, fake):
    """The banner says so, comes with it and goes with it."""
    press(admin, "Archive project")
    expect(admin.get_by_test_id("banner")).to_contain_text("archived: it can only be read")
    expect(admin.get_by_role("button", name="Archive project")).to_have_count(0)
    assert fake.projects["harbor"].status == "archived"
    press(admin, "Resume project")
    expect(admin.get_by_test_id("banner")).to_have_count(0)
    assert fake.projects["harbor"].status == "active"


def test_a_purge_needs_the_slug_and_says_what_is_lost_and_what_stays(admin, fake):
    """And what the archive keeps. Another text purges nothing; the conversation is still there."""
    admin.get_by_role("tab", name="Work").click()
    say(admin, "resolve the incident")
    expect(admin.get_by_test_id("plan-card")).to_be_visible()
    admin.get_by_role("tab", name="Admin").click()
    expect(admin.get_by_text("There is no way back")).not_to_be_visible()
    purge(admin, "habor")
    expect(admin.get_by_test_id("note-told")).to_contain_text("type the project's own")
    expect(admin.get_by_text("There is no way back")).to_be_visible()
    kept = "keeps who did what when, by ids, and policies, members’ ids and titles."
    expect(admin.get_by_test_id("admin-project")).to_contain_text(kept)
    assert "harbor" in fake.projects
    admin.get_by_role("tab", name="Work").click()
    expect(admin.get_by_test_id("plan-card")).to_be_visible()


def test_after_a_purge_the_page_goes_on_with_another_project(admin, fake):
    """Header, address, state, conversation and administration are those of the other one."""
    purge(admin, "harbor")
    note = admin.get_by_test_id("note-told")
    expect(note).to_contain_text("harbor is purged. (execution 1) You are in Demo now.")
    expect(admin.get_by_test_id("project-title")).to_have_text("Demo")
    expect(admin).to_have_url(re.compile("project=demo"))
    expect(admin.get_by_label("Title")).to_have_value("Demo")
    assert list(fake.projects) == ["demo"]
    admin.get_by_role("tab", name="Work").click()
    say(admin, "add 3")
    press(admin, "Confirm")
    expect(admin.get_by_test_id("plan-badge")).to_have_text("Done")
    assert fake.projects["demo"].state["demo.counter"] == {"value": 3}


def test_with_the_last_project_gone_an_admin_can_make_the_first(root, fake):
    """Nothing breaks without a project; the page says what to do next."""
    purge(root, "harbor")
    expect(root.get_by_test_id("project-title")).to_have_text("Demo")
    purge(root, "demo")
    expect(root.get_by_test_id("project-title")).to_have_text("No project")
    expect(root.get_by_test_id("admin-project")).to_contain_text("demo is purged")
    root.reload()
    expect(root.locator("#cs-state")).to_contain_text("Make one under Admin.")
    root.get_by_role("tab", name="Admin").click()
    make(root, "first", "", "demo")
    expect(root.get_by_test_id("note-told")).to_contain_text("first is made")
    assert list(fake.projects) == ["first"]


def test_who_administers_only_what_was_purged_has_no_forms_left(chromium, space_url, fake):
    """The page goes on with a project where they are an operator, without its administration."""
    fake.projects["demo"].roles["approver"] = "operator"
    with watched(chromium, space_url) as page:
        administer(page, space_url, "approver")
        purge(page, "harbor")
        expect(page.get_by_test_id("project-title")).to_have_text("Demo")
        expect(page.get_by_test_id("admin-project")).to_contain_text("harbor is purged")
        expect(page.get_by_test_id("admin-members")).to_have_count(0)


def test_without_any_project_a_person_is_told_whom_to_ask(chromium, space_url, fake):
    """And can still sign out, or make tokens."""
    with watched(chromium, space_url) as page:
        sign_in(page, space_url)
        fake.projects.clear()
        page.reload()
        expect(page.locator("#cs-state")).to_contain_text("An admin can make you a member of one.")
        expect(page.get_by_test_id("sign-out")).to_be_visible()
        expect(page.get_by_role("tab", name="Admin")).to_have_count(0)
