"""The audit trail as the Space shows it, on the whole real stack: both sides of the archive."""

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.pages import admins_page
from tests.stack import ROOT, Stack

pytestmark = pytest.mark.browser

PERSON = "admin"


@pytest.fixture
def admin(stack: Stack, chromium: Browser) -> Iterator[Page]:
    """The admin's browser, on project Harbor with its weeks of history."""
    with admins_page(stack, chromium, "harbor") as page:
        yield page


def archive_everything(stack: Stack) -> None:
    """A drill: all executions up to now move to S3."""
    run = ["-c", "from infra.cli import main; main()", "archive", "run", "--older-than", "0d"]
    subprocess.run(
        [sys.executable, *run], env=stack.environment(), cwd=ROOT, check=True, timeout=120
    )


def rows(page: Page) -> list[str]:
    """The log's rows as they are shown, from the newest on."""
    expect(page.get_by_test_id("activity-row").first).to_be_visible()
    return page.get_by_test_id("activity-row").all_inner_texts()


def filtered(page: Page) -> list[str]:
    """The log of what the admin was refused."""
    page.get_by_label("Result", exact=True).select_option("rejected")
    page.get_by_label("Person").select_option(PERSON)
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page.get_by_role("button", name="Reset the filters")).to_be_visible()
    return rows(page)


def test_the_trail_reads_and_proves_alike_on_both_sides_of_the_archive(
    stack: Stack, admin: Page, tmp_path: Path
) -> None:
    """The same rows under the same filters; a record whose hash anybody can compute; a verdict."""
    admin.get_by_role("tab", name="Activity").click()
    before = [rows(admin), filtered(admin)]
    assert all(PERSON in row and "rejected" in row for row in before[1])
    archive_everything(stack)
    admin.reload()
    expect(admin.get_by_test_id("greeting")).to_be_visible()
    admin.get_by_role("tab", name="Activity").click()
    assert [rows(admin), filtered(admin)] == before

    admin.get_by_test_id("activity-row").first.get_by_role("link").click()
    expect(admin.get_by_test_id("execution")).to_be_visible(timeout=20_000)  # S3's first reading
    expect(admin.get_by_test_id("recomputed")).to_have_attribute("data-tone", "good")
    expect(admin.get_by_test_id("link-before")).to_have_attribute("data-holds", "yes")
    with admin.expect_download() as download:
        admin.get_by_test_id("download").click()
    download.value.save_as(tmp_path / "record.json")
    digest = hashlib.sha256((tmp_path / "record.json").read_bytes()).hexdigest()
    expect(admin.get_by_test_id("hash")).to_have_text(digest)

    admin.get_by_test_id("execution").get_by_test_id("to-audit").click()
    admin.get_by_test_id("verify").click(timeout=20_000)
    verdict = admin.get_by_test_id("verdict")
    expect(verdict).to_contain_text("which are archived.", timeout=20_000)
    expect(verdict).to_contain_text("The anchors and the stored state:")


def test_a_live_chain_is_verified_and_every_record_holds(stack: Stack, admin: Page) -> None:
    """What was just asked is looked at; no step's own words are left in the verdict."""
    step = {"action": "demo.counter.increment", "inputs": {"amount": 1}}
    for number in range(3):
        made = stack.call(
            "POST", "/projects/demo/executions", {**step, "request_id": f"trail-{number}"}
        )
        assert made.json()["status"] == "success"
    admin.goto(f"{stack.space}/audit?project=demo")
    admin.get_by_test_id("verify").click()
    verdict = admin.get_by_test_id("verdict")
    expect(verdict).to_contain_text("Everything that was looked at is in order.", timeout=20_000)
    expect(verdict).not_to_contain_text("from_seq")
    seq = made.json()["seq"]
    admin.goto(f"{stack.space}/executions/{seq}?project=demo")
    expect(admin.get_by_test_id("recomputed")).to_have_attribute("data-tone", "good")
    expect(admin.get_by_test_id("change")).to_be_visible()


def test_the_past_is_looked_at_and_brought_back(stack: Stack, chromium: Browser) -> None:
    """A version from before, on either side of the archive; going back is a proposal to confirm."""

    def ask(value: int, request: str) -> dict[str, Any]:
        step = {"action": "demo.counter.set", "inputs": {"value": value}}
        made = stack.call("POST", "/projects/demo/executions", {**step, "request_id": request})
        assert made.json()["status"] == "success"
        return dict(made.json())

    before, _ = ask(4711, "past-1"), ask(7, "past-2")
    archive_everything(stack)
    ask(8, "past-3")
    with admins_page(stack, chromium, "demo") as page:
        page.get_by_role("tab", name="History").click()
        expect(page.get_by_test_id("change")).to_have_text(re.compile(r"7\s*→\s*8"))
        page.get_by_test_id("version-number").fill(str(before["version"]))
        made = page.get_by_test_id("made")
        expect(made).to_contain_text(f"execution {before['seq']}", timeout=20_000)
        state = page.get_by_test_id("history").get_by_test_id("state")
        expect(state).to_contain_text("4\u2009711")
        page.get_by_test_id("go-back").click()
        card = page.get_by_test_id("plan-card")
        expect(card.get_by_test_id("change")).to_have_text(re.compile(r"8\s*→\s*4711"))
        card.get_by_test_id("confirm").click()
        expect(card.get_by_test_id("plan-badge")).to_have_text("Done")
        page.get_by_role("tab", name="History").click()
        expect(made).to_contain_text("Go back to an earlier version", timeout=20_000)
