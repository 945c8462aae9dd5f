"""Whether an answer is one that the API's description knows."""

import json
import re
from functools import cache
from typing import Any

from control_plane.api.app import app
from control_plane.api.description import document
from jsonschema import Draft202012Validator

# Answers that any address gives, whatever is there: said once, in docs/api.md.
ANYWHERE = {405}


@cache
def described() -> dict[str, Any]:
    """The description."""
    return document(app)


def check(method: str, path: str, status: int, headers: dict[str, str], body: Any) -> None:
    """Raise AssertionError for an answer that isn't described, in status, type or shape."""
    found = _operation(method.lower(), path)
    if found is None or status in ANYWHERE:
        return
    assert str(status) in found["responses"], f"{method} {path} answers {status}"
    answer = _resolved(found["responses"][str(status)])
    missing = answer.get("headers", {}).keys() - {name for name in headers}
    assert not missing, f"{method} {path} {status} lacks {missing}"
    if "content" not in answer:
        assert body is None
        return
    assert headers["Content-Type"] in answer["content"]
    content = answer["content"][headers["Content-Type"]]
    for error in _validator(json.dumps(content["schema"])).iter_errors(body):
        raise AssertionError(f"{method} {path} {status}: {error.json_path} {error.message}")


def _operation(method: str, path: str) -> Any:
    for template, operations in described()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method in operations:
            return operations[method]
    return None


def _resolved(answer: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in answer:
        return answer
    found: dict[str, Any] = described()["components"]["responses"][answer["$ref"].split("/")[-1]]
    return found


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator({**json.loads(schema), "components": described()["components"]})
