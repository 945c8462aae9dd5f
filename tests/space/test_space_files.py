"""Gradio's file handling is out of reach: no file of the process is read, fetched or served."""

import json
from typing import Any

import httpx
import pytest
from chat_space.middleware import LARGEST_BODY

BEARER = {"Authorization": "Bearer script-token"}
META = {"_type": "gradio.FileData"}


@pytest.fixture
def http(space_url):
    """Raw HTTP as a signed-in script."""
    with httpx.Client(base_url=space_url, headers=BEARER, timeout=30) as client:
        yield client


def asked(value: Any) -> list[Any]:
    """The arguments of simulate_action for a memory value."""
    return ["demo", "memory.remember", {"key": "k", "value": value}, "assisted"]


def call(http: httpx.Client, value: Any) -> httpx.Response:
    """Ask with raw HTTP; where it is taken, wait for the event's end."""
    answer = http.post("/gradio_api/call/simulate_action", json={"data": asked(value)})
    if not answer.is_success:
        return answer
    return http.get(f"/gradio_api/call/simulate_action/{answer.json()['event_id']}")


@pytest.mark.parametrize(
    "route",
    ["call/simulate_action", "call/v2/simulate_action", "run/simulate_action",
     "api/simulate_action", "queue/join", "anything"],
)  # fmt: skip
def test_a_value_in_the_shape_of_a_file_is_refused_on_every_route(fake, http, tmp_path, route):
    """No file is copied and nothing is fetched: the body doesn't get as far as Gradio."""
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    for path in (str(secret), "http://127.0.0.1:9/inside"):
        value = [{"deep": {"path": path, "meta": META}}]
        body = {"data": asked(value), "session_hash": "s", "fn_index": 0, "value": value}
        answer = http.post(f"/gradio_api/{route}", json=body)
        assert answer.status_code == 422
        assert "file" in answer.json()["detail"]
    assert not fake.bodies("/previews")


@pytest.mark.parametrize(
    "value",
    [
        {"path": "/etc/hostname", "meta": META},
        {"path": "/etc/hostname", "meta": {}},
        {"path": "/etc/hostname", "meta": None},
        {"video": {}, "meta": {"_type": "gradio.VideoData"}},
    ],
)
def test_whatever_gradio_could_take_for_a_file_is_refused(http, value):
    """Its file data, and what its test for file data stumbles over."""
    assert call(http, value).status_code == 422


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_escapes_and_encodings_hide_nothing(http, encoding):
    """The body is read as Gradio reads it, not searched as text."""
    text = json.dumps({"data": asked({"path": "/etc/hostname", "meta": META})})
    body = text.replace("gradio", "\\u0067radio").replace("meta", "m\\u0065ta").encode(encoding)
    headers = {"content-type": "application/json"}
    answer = http.post("/gradio_api/call/simulate_action", content=body, headers=headers)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "value",
    [
        {"path": "/etc/hostname"},
        {"path": "/etc/hostname", "url": "http://x/", "orig_name": "x"},
        {"path": 5, "meta": {"note": "mine"}},
        {"meta": {"_type": "mine"}},
    ],
)
def test_a_value_that_merely_holds_a_path_reaches_the_api_as_it_is(fake, http, value):
    """Nothing is renamed, copied or added on the way in."""
    answer = call(http, value)
    assert "event: complete" in answer.text
    assert fake.bodies("/previews")[-1]["steps"][0]["inputs"] == {"key": "k", "value": value}


@pytest.mark.parametrize(
    "path",
    ["file=/etc/hostname", "file/etc/hostname", "proxy=http://127.0.0.1:9/", "stream/a/b/1/c.ts",
     "upload_progress?upload_id=1"],
)  # fmt: skip
def test_gradios_file_routes_are_closed(http, path):
    """Nothing is served from the disk or from elsewhere."""
    assert http.get(f"/gradio_api/{path}").status_code == 404


def test_gradio_itself_takes_no_file_that_was_not_uploaded(space_url, monkeypatch, tmp_path):
    """Behind the door stands a second one: Gradio knows that it runs."""
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    monkeypatch.setattr("chat_space.middleware._names_a_file", lambda _: False)
    with httpx.Client(base_url=space_url, headers=BEARER) as http:
        answer = call(http, {"path": str(secret), "meta": META})
    assert "event: error" in answer.text


def test_a_body_is_read_up_to_a_limit(http):
    """A larger one is refused, as is one that nests without end."""
    answer = http.post("/gradio_api/call/chat", content=b" " * (LARGEST_BODY + 1))
    assert answer.status_code == 413
    assert http.post("/gradio_api/call/chat", content=b"[" * 200_000).status_code == 422
