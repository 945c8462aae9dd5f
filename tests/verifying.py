"""Both verifiers over many folders at once, without writing them to a disk."""

import base64
import json
from collections.abc import Sequence
from typing import Any

from control_plane.proof.notice import in_order
from control_plane.proof.report import Report, check_organization

from tests.evidence import Files
from tests.node import node


def organizations(files: Files) -> list[str]:
    """The organizations that there are files of."""
    return sorted({key.split("/")[1].removeprefix("org=") for key in files})


def in_python(files: Files) -> list[Report]:
    """What the product's own verifier says of each organization."""
    return [_checked(org, files) for org in organizations(files)]


def _checked(org: str, files: Files) -> Report:
    mine = {key: files[key] for key in sorted(files) if f"/org={org}/" in key}
    anchors = [(key, mine[key]) for key in in_order(mine)]
    objects = [key for key in mine if key.startswith("executions/")]
    return check_organization(org, anchors, objects, lambda key: [mine[key]])


def in_javascript(base: Files, cases: Sequence[Files]) -> list[list[dict[str, Any]]]:
    """What verify.js says of each organization in each case; `base` is what they share most of."""
    given = {"files": _encoded(base), "cases": [_difference(base, case) for case in cases]}
    done = node("tests/verify_cases.js", given=json.dumps(given))
    assert done.returncode == 0, done.stderr
    return [report["organizations"] for report in json.loads(done.stdout)]


def _difference(base: Files, case: Files) -> dict[str, Any]:
    changed = {key: body for key, body in case.items() if base.get(key) != body}
    return {"set": _encoded(changed), "gone": [key for key in base if key not in case]}


def _encoded(files: Files) -> dict[str, str]:
    return {key: base64.b64encode(body).decode() for key, body in files.items()}
