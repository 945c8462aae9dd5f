"""The texts for people are whole and true."""

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path

import pydantic
import pytest
from control_plane import errors, registry
from control_plane.agent import model
from control_plane.engine import explain
from control_plane.engine.decide import decide
from control_plane.models import Intent
from control_plane.observing import metrics
from control_plane.registry import Message, State, Template
from control_plane.settings import Settings, read

from tests.unit.conftest import MakeContext

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "space" / "README.md"]
MORE_SETTINGS = {"SPACE_SECRET_KEY", "CHAT_AGENT_ADMIN_PASSWORD"}


def settings_names() -> set[str]:
    """Every variable of the control plane, the Space and the local stack."""
    return {field.name.upper() for field in fields(Settings)} | MORE_SETTINGS


def test_the_documented_settings_are_the_settings() -> None:
    """docs/settings.md and .env.example list each variable, and none that isn't there."""
    page = (ROOT / "docs" / "settings.md").read_text()
    assert set(re.findall(r"^\| `([A-Z_]+)`", page, re.MULTILINE)) == settings_names()
    for default in (model.DEFAULT_MODEL, model._AZURE_API_VERSION):
        assert f"; `{default}` |" in page
    example = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE)) == settings_names()


def test_a_setting_may_lie_in_a_file(tmp_path: Path) -> None:
    """NAME_FILE names a file with the value; NAME itself goes first."""
    (tmp_path / "key").write_text("from a file\n")
    environment = {"OPENAI_API_KEY_FILE": str(tmp_path / "key")}
    assert read(environment).openai_api_key == "from a file"
    assert read({**environment, "OPENAI_API_KEY": "direct"}).openai_api_key == "direct"
    assert read({}).archive_after_days == 90


def error_codes() -> dict[str, int]:
    """Every error's code and status."""
    found = {errors.ControlPlaneError.code: int(errors.ControlPlaneError.status)}
    for error in errors.ControlPlaneError.__subclasses__():
        found[error.code] = int(error.status)
    return found


def test_every_error_is_documented_with_a_cure() -> None:
    """docs/errors.md lists each code with its status, and each reason."""
    page = (ROOT / "docs" / "errors.md").read_text()
    problems, reasons = page.split("## Reasons")
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (.+) \|$", problems, re.MULTILINE)
    assert {code: int(status) for code, status, _ in rows} == error_codes()
    assert all(len(cure) > 20 for _, _, cure in rows)
    documented = set(re.findall(r"^\| `(\w+)` \|", reasons, re.MULTILINE))
    assert documented == set(explain._SENTENCES)


def test_every_metric_is_documented_with_its_field() -> None:
    """docs/operations.md lists each metric, and none that isn't there."""
    page = (ROOT / "docs" / "operations.md").read_text()
    rows = re.findall(r"^\| `([A-Z]\w+)` \| (?:`(\w+)`)? ?\|", page, re.MULTILINE)
    told = {(name, field) for field, (name, _) in metrics.MEASURES.items()}
    assert set(rows) == told | {(metrics.EXECUTIONS, "")}


def test_every_alarm_is_documented() -> None:
    """docs/operations.md names each alarm, those of functions by what they have in common."""
    page = (ROOT / "docs" / "operations.md").read_text()
    template = (ROOT / "infra" / "monitoring.yaml").read_text()
    alarms = re.findall(r"^  (\w+):\n    Type: AWS::CloudWatch::Alarm", template, re.MULTILINE)
    for alarm in alarms:
        assert f"`{alarm.partition('Function')[2] or alarm}`" in page
    assert f" {len(alarms)} alarms." in (ROOT / "docs" / "deploy.md").read_text()


def headings(page: Path) -> set[str]:
    """What links name a page's headings by: lower case, dashes, no punctuation."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link and picture names a file that is there, and a heading in it."""
    for target, heading in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", page.read_text()):
        if "://" not in target:
            led = page.parent / target if target else page
            assert led.exists(), target
            assert not heading or heading in headings(led), f"{target}#{heading}"


@pytest.mark.skipif(not shutil.which("jq"), reason="jq: apt-get install jq")
def test_commands_get_the_ready_lines_variables_as_the_readme_says(tmp_path: Path) -> None:
    """Its line of jq writes a file that `uv run` reads, whatever a password is made of."""
    readme = (ROOT / "README.md").read_text()
    [line] = re.findall(r"^jq .+(?= > \.env$)", readme, re.MULTILINE)
    env = {"CHAT_AGENT_OWNER_DATABASE_URL": "postgresql://o:a$b 'c\"%40#d@h:1/d", "AWS_REGION": "x"}
    (tmp_path / "ready.json").write_text(json.dumps({"ready": True, "env": env}))
    written = subprocess.run(shlex.split(line), cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / ".env").write_bytes(written.stdout)
    told = "import os, json; print(json.dumps(dict(os.environ)))"
    uv = shutil.which("uv") or os.environ.get("UV", "uv")
    run = [uv, "run", "--no-project", "python", "-c", told]
    asked = os.environ | {"UV_ENV_FILE": str(tmp_path / ".env")}
    said = subprocess.run(run, env=asked, check=True, capture_output=True).stdout
    assert json.loads(said).items() >= env.items()


def test_the_readme_shows_the_two_commands() -> None:
    """What CI and a newcomer run is what the README says."""
    readme = (ROOT / "README.md").read_text()
    assert "pip install uv && uv run chat-agent up" in readme
    assert "pip install uv && uv run pytest" in readme


def test_the_readmes_code_is_the_examples() -> None:
    """Each line of Python in the README stands in an example, which CI runs."""
    readme = (ROOT / "README.md").read_text()
    examples = "".join(path.read_text() for path in (ROOT / "examples").glob("*.py"))
    for block in re.findall(r"```python\n(.*?)```", readme, re.DOTALL):
        for line in block.strip().splitlines():
            assert line.strip() in examples, line


def test_the_declarations_shown_can_be_declared(context_of: MakeContext) -> None:
    """As they stand in docs/declaring.md, with what `control_plane.registry` offers alone."""
    jars = pydantic.create_model("Jars", __base__=State, jars=int)
    pantry, desk = Template("pantry"), Template("desk")
    for template, id in ((pantry, "shelf"), (desk, "order"), (desk, "stock")):
        template.component(id, jars, {"jars": 1}, title=id)
    names = {name: getattr(registry, name) for name in registry.__all__}
    page = (ROOT / "docs" / "declaring.md").read_text()
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(block, names | {"pantry": pantry, "desk": desk})
    put = decide(Intent("shelf.put", {"jars": 2}), context_of(pantry), confirmed=True)
    place = decide(Intent("order.place", {"jars": 2}), context_of(desk), confirmed=True)
    assert (put.status, put.diff[0]["value"]) == ("success", 3)
    assert place.messages == (Message("order.placed", {"jars": 2}),)


def test_each_error_is_mapped_once() -> None:
    """A problem has RFC 9457's members, and its own can't overwrite them."""
    body = errors.problem(errors.ConfirmationStale(status="mine", preview={"digest": "d"}))
    assert (body["status"], body["code"]) == (409, "confirmation_stale")
    assert body["preview"] == {"digest": "d"}
    assert body["detail"]
    assert body["title"]
    assert body["type"]
