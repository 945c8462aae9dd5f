"""The demo, three minutes: what was approved is exactly what happens, or nothing happens."""

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.stack import ROOT, Stack, start

pytestmark = pytest.mark.browser
GIF = ROOT / "docs" / "images" / "demo.gif"
FRAME_MS = 2_200
WIDTH = 960


@pytest.fixture
def fresh() -> Iterator[Stack]:
    """A stack of its own: the demo spends the day's budget."""
    stack = start("--ephemeral")
    yield stack
    assert stack.stop() == 0


class Film:
    """What the browser showed, moment by moment; kept as a GIF if UPDATE_SCREENSHOTS is set."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._frames: list[Image.Image] = []

    def take(self, page: Page) -> None:
        """One more picture."""
        page.mouse.move(0, 0)
        page.wait_for_timeout(350)  # scrolling and marks come to rest
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        height = round(picture.height * WIDTH / picture.width)
        small = picture.resize((WIDTH, height), Image.Resampling.LANCZOS)
        self._frames.append(small.quantize(128))

    def keep(self) -> None:
        """Write all of it as one GIF."""
        first, *rest = self._frames
        first.save(
            self._path, save_all=True, append_images=rest, duration=FRAME_MS, loop=0, optimize=True
        )


def person(stack: Stack, chromium: Browser, name: str) -> Page:
    """A browser of somebody's own, signed in by the link that `up` printed."""
    [account] = [a for a in stack.ready["accounts"] if a["username"] == name]
    page = chromium.new_page(viewport={"width": 1180, "height": 720})
    page.goto(account["link"])
    expect(page.get_by_test_id("project-title")).to_have_text("Harbor", timeout=20_000)
    expect(page.get_by_test_id("greeting")).to_be_visible()
    return page


def say(page: Page, sentence: str) -> Locator:
    """Say something to the agent; answers the newest card."""
    cards = page.get_by_test_id("plan-card")
    before = cards.count()
    page.get_by_test_id("message-box").fill(sentence)
    page.get_by_test_id("send").click()
    expect(cards).to_have_count(before + 1)
    return cards.last


def test_the_demo(fresh: Stack, chromium: Browser, tmp_path: Path) -> None:
    """One commit of two steps; an approval superseded and asked again; a refusal unlocked."""
    film = Film(GIF if os.environ.get("UPDATE_SCREENSHOTS") else tmp_path / "demo.gif")
    operator, approver = (person(fresh, chromium, name) for name in ("operator", "approver"))

    # 1. One card, two steps, one commit.
    card = say(operator, "tick off the security review, then freeze the release")
    expect(card.get_by_test_id("plan-step")).to_have_count(2)
    expect(card.get_by_test_id("price")).to_contain_text("Costs 5")
    film.take(operator)
    card.get_by_role("button", name="Confirm").click()
    expect(card.get_by_test_id("plan-badge")).to_have_text("Done")
    film.take(operator)

    # 2. An approval binds old and new value: 500 → 550 isn't 400 → 550.
    card = say(operator, "set the budget to 550")
    expect(card.get_by_test_id("change")).to_have_text(re.compile(r"500\s*→\s*550"))
    card.get_by_role("button", name="Ask for approval").click()
    expect(card.get_by_test_id("plan-badge")).to_have_text("Waiting for approval")
    film.take(operator)
    card = say(approver, "set the budget to 400")
    card.get_by_role("button", name="Confirm").click()
    expect(card.get_by_test_id("plan-badge")).to_have_text("Done")
    approver.get_by_role("tab", name=re.compile("Approvals")).click()
    waiting = approver.get_by_test_id("approval-card")
    expect(waiting).to_have_count(1)
    film.take(approver)
    waiting.get_by_role("button", name="Approve").click()
    expect(waiting).to_have_count(2)
    expect(waiting.first).to_contain_text(
        "Superseded. You approved 500 → 550. It would now be 400 → 550. Nothing was changed."
    )
    film.take(approver)
    again = waiting.nth(1)
    expect(again.get_by_test_id("change")).to_have_text(re.compile(r"400\s*→\s*550"))
    again.get_by_role("button", name="Approve").click()
    expect(approver.get_by_test_id("approval-badge").first).to_have_text(
        re.compile("Done|Approved")
    )
    film.take(approver)

    # 3. Refused for two reasons, with a way out that works: one click away.
    card = say(operator, "roll out to 60 percent")
    expect(card.get_by_test_id("reason")).to_have_count(2)
    expect(card).to_contain_text("An incident is open: resolve it before you roll out.")
    expect(card).to_contain_text("It costs 120, and 75 of today's 100 are left.")
    unlock = card.get_by_test_id("unlock").first
    expect(unlock).to_contain_text("Resolve the incident, then roll out to at most 37 percent.")
    film.take(operator)
    unlock.get_by_role("button", name="Use this plan").click()
    plan = operator.get_by_test_id("plan-card").last
    expect(plan.get_by_test_id("plan-step")).to_have_count(2)
    expect(plan.get_by_test_id("price")).to_contain_text("Costs 74")
    film.take(operator)
    plan.get_by_role("button", name="Confirm").click()
    expect(plan.get_by_test_id("plan-badge")).to_have_text("Done")
    film.take(operator)
    film.keep()
    state = fresh.call("GET", "/projects/harbor/state").json()["components"]
    assert state["release"] == {"stage": "frozen", "rollout": 37}
    assert state["budget"]["total"] == 550
    assert state["incident"]["status"] == "resolved"
    for page in (operator, approver):
        page.close()
