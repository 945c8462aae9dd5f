"""Administration in a real browser: members, policy, pause, and the organization's people."""

import re

import pytest
from playwright.sync_api import expect

from tests.space.browsing import PHONE, administer, press, sign_in, watched

pytestmark = pytest.mark.browser

NAMELESS = """
[...document.querySelectorAll('#cs-admin :is(input:not([type=hidden]), select, textarea)')]
  .filter((field) => !field.labels.length && !field.ariaLabel).map((field) => field.outerHTML)
"""


def test_the_tab_is_for_admins(chromium, space_url, admin):
    """An operator has none; an admin of a project sees nothing of the organization's people."""
    expect(admin.get_by_test_id("admin-people")).to_have_count(0)
    with watched(chromium, space_url) as page:
        sign_in(page, space_url, "harbor", "ada")
        expect(page.get_by_role("tab", name=re.compile("Approvals"))).to_be_visible()
        expect(page.get_by_role("tab", name="Admin")).to_have_count(0)


def test_members_are_added_changed_and_removed(admin, fake):
    """Each is an execution, and what is refused is told in the API's words."""
    roles, note = fake.projects["harbor"].roles, admin.get_by_test_id("note-told")
    form = admin.get_by_test_id("add-member")
    form.get_by_label("Username").fill("nobody")
    press(admin, "Add member")
    expect(note).to_contain_text("There is no such user.")
    expect(form.get_by_label("Username")).to_have_value("nobody")
    form.get_by_label("Username").fill("grace")
    press(admin, "Add member")
    expect(note).to_contain_text("grace has the role operator.")
    admin.get_by_label("Role of grace", exact=True).select_option("viewer")
    press(admin, "Set role of grace")
    expect(note).to_contain_text("grace has the role viewer.")
    assert roles["grace"] == "viewer"
    press(admin, "Remove grace")
    expect(note).to_contain_text("no longer a member")
    assert "grace" not in roles
    press(admin, "Remove approver")
    expect(note).to_contain_text("This is the last active admin.")


def test_a_wrong_policy_names_line_and_key_and_stays_in_the_box(admin, fake):
    """Put right, it is saved as it stands, and is listed among the versions."""
    box, text = admin.get_by_test_id("policy-text"), "limits:\n  budget: {daily: 90}\n"
    box.fill(text + "bogus: 1\n")
    press(admin, "Save policy")
    expect(admin.get_by_test_id("note-line")).to_have_text("line 3 · bogus: There is no such key.")
    expect(box).to_have_value(text + "bogus: 1\n")
    box.fill(text)
    press(admin, "Save policy")
    expect(admin.get_by_test_id("note-told")).to_contain_text("Saved.")
    expect(box).to_have_value("limits:\n  budget:\n    daily: 90\n")
    expect(admin.get_by_test_id("policy-version")).to_have_text("version 1")
    expect(admin.get_by_test_id("policy-versions")).to_contain_text("Version 1")
    assert fake.projects["harbor"].policies[0]["document"] == {"limits": {"budget": {"daily": 90}}}


def test_a_hostile_policy_is_text(admin, fake):
    """Neither the box nor the list of versions runs or ends what stands in it."""
    hostile = "</textarea><img src=x onerror='window.hit=1'>${window.hit=1}{{constructor}}"
    document = {"rules": [{"message": hostile}]}
    fake.projects["harbor"].policies.append(
        {"version": 1, "at": "2026-11-22", "document": document}
    )
    press(admin, "Pause project")
    admin.get_by_role("tab", name="Work").click()
    admin.get_by_role("tab", name="Admin").click()
    expect(admin.get_by_test_id("policy-version")).to_have_text("version 1")
    assert "onerror" in admin.get_by_test_id("policy-text").input_value()
    assert admin.evaluate("window.hit") is None


def test_a_paused_project_says_so_on_top(admin, fake):
    """The banner comes with the pause and goes with it."""
    press(admin, "Pause project")
    expect(admin.get_by_test_id("banner")).to_contain_text("This project is paused")
    assert fake.projects["harbor"].paused
    press(admin, "Resume project")
    expect(admin.get_by_test_id("banner")).to_have_count(0)


def test_people_are_created_disabled_and_given_passwords(root, fake):
    """A first password has to be changed; a name that is taken is told and stays in the form."""
    note, form = root.get_by_test_id("note-told"), root.get_by_test_id("add-person")
    form.get_by_label("Username").fill("grace")
    form.get_by_label("First password").fill("a first password")
    press(root, "Create user")
    expect(note).to_contain_text("must change the password")
    expect(form.get_by_label("First password")).to_have_value("")
    assert (fake.users["grace"], fake.due) == ("a first password", {"grace"})
    assert not fake.admins
    person = root.locator('[data-testid="person"][data-username="grace"]')
    expect(person).to_contain_text("must change password")
    press(root, "Disable grace")
    expect(person).to_contain_text("disabled")
    press(root, "Enable grace")
    expect(person).not_to_contain_text("disabled")
    person.get_by_text("Set a password").click()
    person.get_by_label("New password of grace").fill("another password")
    press(root, "Set password of grace")
    expect(note).to_contain_text("must change this password")
    assert fake.users["grace"] == "another password"
    form.get_by_label("Username").fill("ada")
    form.get_by_label("First password").fill("x")
    press(root, "Create user")
    expect(note).to_contain_text("There is somebody with this name already.")
    expect(form.get_by_label("Username")).to_have_value("ada")


def test_somebody_is_created_as_an_admin(root, fake):
    """By a box that has to be ticked."""
    form = root.get_by_test_id("add-person")
    form.get_by_label("Username").fill("grace")
    form.get_by_label("First password").fill("a first password")
    form.get_by_label("Admin of the organization").check()
    press(root, "Create user")
    person = root.locator('[data-testid="person"][data-username="grace"]')
    expect(person).to_contain_text("admin")
    assert fake.admins == {"grace"}


def test_a_pause_of_everything_reaches_every_project(root, fake):
    """The banner comes up here, too."""
    press(root, "Pause everything")
    expect(root.get_by_test_id("banner")).to_be_visible()
    assert all(project.paused for project in fake.projects.values())
    press(root, "Resume everything")
    expect(root.get_by_test_id("banner")).to_have_count(0)


def test_every_field_has_a_name_and_a_phone_shows_it_all(chromium, space_url, root):
    """Labels for whoever listens; no line is wider than the screen."""
    assert root.evaluate(NAMELESS) == []
    with watched(chromium, space_url, PHONE) as page:
        administer(page, space_url, "root")
        expect(page.get_by_test_id("admin-people")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
