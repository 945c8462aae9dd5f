"""docs/verify.html, opened from a file in a real browser, says what the command says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from control_plane.proof.folder import open_folder
from playwright.sync_api import Browser, Page, expect

from tests import corruptions, evidence
from tests.conftest import Cluster, new_database
from tests.evidence import Files
from tests.node import ROOT
from tests.s3 import S3

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def files(postgres: Cluster, s3: S3) -> Iterator[Files]:
    """Archive and anchors of two organizations."""
    with new_database(postgres) as database:
        world = evidence.archived_world(evidence.World(database, s3))
        yield world.files()
        world.store.disconnect()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """The page, from file://, with no network at all."""
    context = chromium.new_context(offline=True)
    opened = context.new_page()
    opened.goto((ROOT / "docs" / "verify.html").as_uri())
    yield opened
    context.close()


def said(folder: Path) -> list[str]:
    """What the product's own verifier says of a folder."""
    found = open_folder(folder)
    return [sentence for org in found.organizations for sentence in found.check(org).sentences()]


def test_a_folder_is_verified_from_a_file_and_without_network(
    page: Page, files: Files, tmp_path: Path
) -> None:
    """Several gzip members an object, two organizations: the same sentences as the command's."""
    evidence.laid_out(files, tmp_path)
    page.locator("#folder").set_input_files(tmp_path)
    expect(page.locator("#verdict")).to_have_text("Everything is in order.")
    assert page.locator("article p").all_inner_texts() == said(tmp_path)


def test_a_broken_trail_is_named(page: Page, files: Files, tmp_path: Path) -> None:
    """By project, seq, object and line, as the command names it."""
    key = corruptions.objects(files)[0]
    cut = {**files, key: files[key][:-40]}
    evidence.laid_out(cut, tmp_path)
    page.locator("#folder").set_input_files(tmp_path)
    expect(page.locator("#verdict")).to_have_text("This trail is broken.")
    found = page.locator("article p").all_inner_texts()
    assert found == said(tmp_path)
    assert found[0].startswith("BROKEN: project ")
    expect(page.locator("article.broken")).to_have_count(1)


def test_single_files_find_their_place_by_what_they_hold(
    page: Page, files: Files, tmp_path: Path
) -> None:
    """Without their folders, as a browser hands over files that were picked one by one."""
    org = corruptions.objects(files)[0].split("/")[1]
    mine = {key: body for key, body in files.items() if f"/{org}/" in key}
    names = {key: str(number) + "/" + key.rsplit("/", 1)[1] for number, key in enumerate(mine)}
    for key, name in names.items():
        evidence.laid_out({name: mine[key]}, tmp_path)
    page.locator("#files").set_input_files([tmp_path / name for name in names.values()])
    expect(page.locator("#verdict")).to_have_text("Everything is in order.")
    page.locator("#files").set_input_files([])
    page.reload()
    page.locator("#files").set_input_files([ROOT / "README.md"])
    expect(page.locator("#verdict")).to_have_text("There is nothing here to verify.")
