"""The local gateway: events, routes, answers and limits are those of an HTTP API on AWS."""

import http.client
import json
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from infra.local import routes
from infra.local.events import HttpRequest, MalformedResultError, build_event, read_result
from infra.local.ports import free_port, wait_for_port
from infra.local.template import RouteSpec, load_template

HANDLERS = """
import json, os, threading, time

def echo(event, context):
    answer = {"event": event, "left": context.get_remaining_time_in_millis(),
              "function": context.function_name, "memory": context.memory_limit_in_mb,
              "request": context.aws_request_id, "thread": threading.get_ident()}
    return {"statusCode": 201, "headers": {"Content-Type": "application/json", "X-One": "1"},
            "cookies": ["a=1; Secure", "b=2"], "body": json.dumps(answer)}

def bare(event, context):
    return {"plain": True}

def binary(event, context):
    return {"statusCode": 200, "headers": {"content-type": "image/png"},
            "isBase64Encoded": True, "body": "iVBORw=="}

def broken(event, context):
    raise ValueError("a secret of the handler")

def strange(event, context):
    return {"statusCode": "no number"}

def large(event, context):
    return {"statusCode": 200, "body": "x" * (6 * 1024 * 1024 + 1)}

def cyrillic(event, context):
    return {"statusCode": 200, "body": "\u0436" * (3 * 1024 * 1024 - 100)}

def slow(event, context):
    time.sleep(3)
    return "late"

def waits_for_api(event, context):
    import urllib.request
    host = event["headers"]["host"]
    return json.loads(urllib.request.urlopen(f"http://{host}/bare", timeout=20).read())
"""
TEMPLATE = """
Globals: {Function: {CodeUri: code/, Runtime: python3.13}}
Resources:
  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: !Ref AWS::StackName}}
  EchoIntegration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: &integration {IntegrationUri: !GetAtt Echo.Arn}
  EchoRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties: &route
      RouteKey: ANY /v1/{proxy+}
      Target: !Sub integrations/${EchoIntegration}
  OneRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties: {<<: *route, RouteKey: "GET /v1/things/{thing}"}
  Echo:
    Type: AWS::Serverless::Function
    Properties: {Handler: local_fakes.echo, Timeout: 28, MemorySize: 512}
"""
FUNCTION = """
  {title}:
    Type: AWS::Serverless::Function
    Properties:
      Handler: local_fakes.{name}
      Timeout: {timeout}
      Events: {{Any: {{Type: HttpApi, Properties: {{Path: /{name}, Method: any}}}}}}
"""
OTHERS = {"bare": 5, "binary": 5, "broken": 5, "strange": 5, "large": 5, "cyrillic": 5, "slow": 1}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A gateway process on a template and handlers of its own."""
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "code").mkdir()
    (folder / "code" / "local_fakes.py").write_text(textwrap.dedent(HANDLERS))
    text = TEMPLATE
    for name, timeout in {**OTHERS, "waits_for_api": 20}.items():
        title = name.title().replace("_", "")
        text += FUNCTION.format(title=title, name=name, timeout=timeout)
    (folder / "template.yaml").write_text(text)
    port = free_port()
    words = ["--port", str(port), "--template", str(folder / "template.yaml")]
    process = subprocess.Popen([sys.executable, "-m", "infra.local.gateway", *words])
    assert wait_for_port(port, 20)
    yield port
    process.terminate()
    assert process.wait(10) in (0, -15)


def call(
    port: int, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, sent)
    answer = connection.getresponse()
    read = answer.read()
    connection.close()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, read


def echoed(port: int, method: str, path: str, body: bytes | None = None, **more: str) -> Any:
    return json.loads(call(port, method, path, body, **more)[2])


# AWS's own example of a version 2.0 event (the developer guide's page on Lambda integrations),
# without what a caller's certificate, a JWT authorizer and stage variables add.
DOCUMENTED: dict[str, Any] = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/my/path",
    "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=value",
    "cookies": ["cookie1", "cookie2"],
    "headers": {"header1": "value1", "header2": "value1,value2"},
    "queryStringParameters": {"parameter1": "value1,value2", "parameter2": "value"},
    "requestContext": {
        "accountId": "123456789012",
        "apiId": "api-id",
        "domainName": "id.execute-api.us-east-1.amazonaws.com",
        "domainPrefix": "id",
        "http": {
            "method": "POST",
            "path": "/my/path",
            "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.1",
            "userAgent": "agent",
        },
        "requestId": "id",
        "routeKey": "$default",
        "stage": "$default",
        "time": "12/Mar/2020:19:03:58 +0000",
        "timeEpoch": 1583348638390,
    },
    "body": "Hello from Lambda",
    "pathParameters": {"parameter1": "value1"},
    "isBase64Encoded": False,
}


def documented_event() -> dict[str, Any]:
    """The event built from the request that AWS's example describes."""
    request = HttpRequest(
        "POST",
        "/my/path",
        DOCUMENTED["rawQueryString"],
        [
            ("Host", "id.execute-api.us-east-1.amazonaws.com"),
            ("User-Agent", "agent"),
            ("Content-Type", "text/plain"),
            ("Header1", "value1"),
            ("Header2", "value1"),
            ("Header2", "value2"),
            ("Cookie", "cookie1; cookie2"),
        ],
        b"Hello from Lambda",
        "192.0.2.1",
    )
    return build_event(request, "$default", {"parameter1": "value1"})


def shape(value: object) -> object:
    """A value with its leaves replaced by their types."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return type(value)


def test_an_event_equals_the_documented_example() -> None:
    """Every member that AWS documents is there, with the same value or the same type."""
    event = documented_event()
    varying = {"headers", "requestContext"}
    assert {k: v for k, v in event.items() if k not in varying} == {
        k: v for k, v in DOCUMENTED.items() if k not in varying
    }
    assert event["headers"].items() >= DOCUMENTED["headers"].items()
    assert shape(event["requestContext"]) == shape(DOCUMENTED["requestContext"])
    for member in ("http", "domainName", "domainPrefix", "stage", "routeKey", "accountId"):
        assert event["requestContext"][member] == DOCUMENTED["requestContext"][member]
    time.strptime(event["requestContext"]["time"], "%d/%b/%Y:%H:%M:%S +0000")


def test_powertools_serves_the_event() -> None:
    """Powertools' HTTP API resolver routes the event and its answer becomes HTTP."""
    app = APIGatewayHttpResolver()

    @app.post("/my/<name>")
    def answer(name: str) -> dict[str, Any]:
        given = app.current_event
        return {"name": name, "text": given.decoded_body, "two": given.query_string_parameters}

    response = read_result(app.resolve(documented_event(), None))  # type: ignore[arg-type]
    assert response.status == 200
    assert json.loads(response.body) == {
        "name": "path",
        "text": "Hello from Lambda",
        "two": {"parameter1": "value1,value2", "parameter2": "value"},
    }


def test_a_request_arrives_whole(port: int) -> None:
    """Path, query, headers, cookies and body of a real request are in the event, decoded."""
    got = echoed(
        port,
        "POST",
        "/v1/a%20b/%C3%A9?q=1&q=2&empty=&e=%2B",
        b'{"x": 1}',
        content_type="application/json; charset=utf-8",
        cookie="one=1; two=2",
        authorization="Bearer t",
    )["event"]
    assert got["rawPath"] == got["requestContext"]["http"]["path"] == "/v1/a b/é"
    assert got["rawQueryString"] == "q=1&q=2&empty=&e=%2B"
    assert got["queryStringParameters"] == {"q": "1,2", "empty": "", "e": "+"}
    assert (got["body"], got["isBase64Encoded"]) == ('{"x": 1}', False)
    assert got["cookies"] == ["one=1", "two=2"]
    assert "cookie" not in got["headers"]
    assert got["headers"]["authorization"] == "Bearer t"
    assert got["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert got["routeKey"] == "ANY /v1/{proxy+}"
    assert got["pathParameters"] == {"proxy": "a b/é"}


def test_what_a_request_lacks_the_event_lacks(port: int) -> None:
    """No query, cookies or body: those members are absent, as on AWS."""
    got = echoed(port, "GET", "/v1/things/7")["event"]
    absent = {"queryStringParameters", "cookies", "body"}
    assert not absent & got.keys()
    assert got["rawQueryString"] == ""
    assert got["pathParameters"] == {"thing": "7"}


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/yaml", "image/png"])
def test_binary_bodies_come_in_base64(port: int, kind: str) -> None:
    """A body whose type is not text or JSON arrives in Base64 and says so."""
    got = echoed(port, "POST", "/v1/x", b"\x00\xff", content_type=kind)["event"]
    assert (got["body"], got["isBase64Encoded"]) == ("AP8=", True)


def test_an_answer_keeps_status_headers_and_cookies(port: int) -> None:
    """Status, headers, every cookie and the request's id reach the client."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/v1/x")
    answer = connection.getresponse()
    assert answer.status == 201
    assert answer.headers.get_all("set-cookie") == ["a=1; Secure", "b=2"]
    assert answer.headers["x-one"] == "1"
    assert answer.headers["content-type"] == "application/json"
    event = json.loads(answer.read())["event"]
    assert answer.headers["apigw-requestid"] == event["requestContext"]["requestId"]
    connection.close()


def test_a_bare_result_is_json(port: int) -> None:
    """A result without a status code is the body of a 200."""
    status, headers, body = call(port, "GET", "/bare")
    assert (status, headers["content-type"], body) == (200, "application/json", b'{"plain": true}')


def test_a_base64_answer_is_bytes(port: int) -> None:
    """isBase64Encoded in an answer is undone."""
    assert call(port, "GET", "/binary")[2] == b"\x89PNG"


@pytest.mark.parametrize("path", ["/broken", "/strange", "/large"])
def test_a_failed_function_answers_500_without_details(port: int, path: str) -> None:
    """An exception, a malformed result and one over 6 MB are all an internal server error."""
    status, _, body = call(port, "GET", path)
    assert (status, json.loads(body)) == (500, {"message": "Internal Server Error"})


def test_a_result_counts_what_it_is_in_utf8(port: int) -> None:
    """As Lambda's runtime client writes it, which escapes no letters."""
    status, _, body = call(port, "GET", "/cyrillic")
    assert (status, len(body)) == (200, 2 * (3 * 1024 * 1024 - 100))


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/v1"), ("GET", "/v2/x")])
def test_no_route_answers_404(port: int, method: str, path: str) -> None:
    """What no route takes is API Gateway's own 404."""
    status, _, body = call(port, method, path)
    assert (status, json.loads(body)) == (404, {"message": "Not Found"})


def test_a_body_over_10_mb_answers_413(port: int) -> None:
    """API Gateway's payload quota holds, and so does Lambda's smaller one."""
    for size in (10 * 1024 * 1024 + 1, 7 * 1024 * 1024):
        status, _, body = call(port, "POST", "/v1/x", b"x" * size, content_type="text/plain")
        assert (status, json.loads(body)) == (413, {"message": "Request Entity Too Large"})


def test_a_function_over_its_own_timeout_answers_500(port: int) -> None:
    """A Lambda that times out before the gateway does is a failed function."""
    began = time.monotonic()
    assert call(port, "GET", "/slow")[0] == 500
    assert 0.9 < time.monotonic() - began < 2.5


def test_the_context_counts_down_from_the_template(port: int) -> None:
    """A handler sees its name, memory and the time left of its Timeout; ids are its own."""
    first, second = (echoed(port, "GET", "/v1/x") for _ in range(2))
    assert 27_000 < first["left"] <= 28_000
    assert (first["function"], first["memory"]) == ("Echo", "512")
    assert first["request"] != second["request"]


def test_a_function_that_calls_the_api_does_not_starve_it(port: int) -> None:
    """Forty callers of a function that calls another one are all answered."""
    with ThreadPoolExecutor(40) as pool:
        answers = pool.map(lambda _: call(port, "GET", "/waits_for_api")[0], range(40))
        assert set(answers) == {200}


def test_the_integration_timeout_answers_503(tmp_path: Path) -> None:
    """A function that is slower than the gateway waits, within its own timeout, is a 503."""
    script = """
        import asyncio, sys, time
        from infra.local.gateway import Gateway
        from infra.local.template import FunctionSpec, RouteSpec, Template
        from pathlib import Path
        spec = FunctionSpec("Slow", "slow_fake.handler", Path(sys.argv[1]), 28, 128)
        gateway = Gateway(Template({"Slow": spec}, [RouteSpec("$default", "Slow")], []), 0.2)
        scope = {"type": "http", "method": "GET", "raw_path": b"/", "path": "/", "headers": [],
                 "query_string": b"", "http_version": "1.1", "client": None}
        sent = []
        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}
        async def send(message):
            sent.append(message)
        asyncio.run(gateway(scope, receive, send))
        print(sent[0]["status"], sent[1]["body"].decode())
    """
    (tmp_path / "slow_fake.py").write_text(
        "import time\ndef handler(event, context):\n    time.sleep(1)\n"
    )
    words = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '503 {"message":"Service Unavailable"}'


def test_routes_are_preferred_as_documented() -> None:
    """AWS's own table: full matches, then variables, then greedy ones, then $default."""
    keys = [
        "ANY /{proxy+}",
        "$default",
        "GET /pets/{proxy+}",
        "GET /pets/dog/{id}",
        "GET /pets/dog/1",
        "ANY /pets/dog/1",
    ]
    router = routes.Router([RouteSpec(key, key) for key in keys])

    def key(method: str, path: str) -> str:
        found = router.find(method, path)
        assert found
        return found[0].key

    assert key("GET", "/pets/dog/1") == "GET /pets/dog/1"
    assert key("POST", "/pets/dog/1") == "ANY /pets/dog/1"
    assert key("GET", "/pets/dog/2") == "GET /pets/dog/{id}"
    assert key("GET", "/pets/cat/1") == "GET /pets/{proxy+}"
    assert key("POST", "/test/5") == "ANY /{proxy+}"
    assert key("GET", "/") == "$default"


@pytest.mark.parametrize(
    "result",
    [{"statusCode": 200, "body": {"not": "text"}}, {"statusCode": None}, object()],
)
def test_a_result_that_is_no_answer_is_refused(result: object) -> None:
    """What API Gateway can't turn into HTTP is an error, never a half answer."""
    with pytest.raises(MalformedResultError):
        read_result(result)


def test_the_product_template_is_understood() -> None:
    """Every route of template.yaml names a function whose handler module is there."""
    template = load_template()
    keys = {route.key: template.functions[route.function] for route in template.routes}
    assert keys["ANY /v1/projects/{project}/chat"].handler == "handlers.chat.handler"
    assert keys["ANY /v1/{proxy+}"].handler == "handlers.api.handler"
    for function in template.functions.values():
        module = function.handler.rpartition(".")[0].replace(".", "/")
        assert (function.code / f"{module}.py").is_file()
        assert function.timeout > 0
