"""The functions as `sam build` makes them: another Python, another folder, AWS's own emulator."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from control_plane.store import Store

from infra.local import bootstrap
from tests.conftest import Cluster, Database
from tests.infra import emulated, sam, templates

pytestmark = [
    pytest.mark.skipif(not sam.is_linux(), reason="Lambda's emulator is a Linux program."),
    pytest.mark.timeout(600),
]

ADMIN_PASSWORD = "a password for built functions"
MAX_UNZIPPED_BYTES = 250 * 2**20  # Lambda's quota for a deployment package
HEAVY = {"openai", "boto3", "botocore.session", "alembic", "sqlalchemy"}

type Start = Callable[[str, dict[str, str]], emulated.Function]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sam.seeded_python(tmp_path_factory.mktemp("python") / "venv")


@pytest.fixture(scope="module")
def runtime(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> emulated.Runtime:
    return emulated.runtime(tmp_path_factory.mktemp("lambda"), programs)


@pytest.fixture(scope="module")
def bundles(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of each built function, by logical name."""
    built = sam.build(tmp_path_factory.mktemp("sam"), programs, sam.architecture())
    functions = templates.resources(templates.read(built), "AWS::Serverless::Function")
    return {name: built.parent / body["CodeUri"] for name, body in functions.items()}


@pytest.fixture
def start(bundles: dict[str, Path], runtime: emulated.Runtime, tmp_path: Path) -> Iterator[Start]:
    """Start a built function by its name in the template, with the given variables."""
    with ExitStack() as running:

        def start_one(name: str, variables: dict[str, str]) -> emulated.Function:
            body = templates.functions()[name]
            _must_be_declared(body, variables)
            timeout = {"AWS_LAMBDA_FUNCTION_TIMEOUT": str(body["Timeout"])}
            return running.enter_context(
                emulated.running(
                    runtime,
                    bundles[name],
                    body["Handler"],
                    {**variables, **timeout},
                    tmp_path / f"{name}.log",
                )
            )

        yield start_one


def _must_be_declared(body: dict[str, Any], variables: dict[str, str]) -> None:
    """A variable that only the test sets would hide one that the template forgot."""
    assert variables.keys() <= body["Environment"]["Variables"].keys()


def event(method: str, path: str, body: object = None, token: str | None = None) -> dict[str, Any]:
    """An API Gateway HTTP API event, payload format 2.0, on the $default stage."""
    headers = {"content-type": "application/json", "host": "api.example"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"}
    context = {
        "http": http,
        "stage": "$default",
        "requestId": "r-1",
        "routeKey": "ANY /v1/{proxy+}",
    }
    return {
        "version": "2.0",
        "routeKey": context["routeKey"],
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": context,
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


def answer(function: emulated.Function, *request: Any, **named: Any) -> tuple[int, Any]:
    """Status and parsed body of one request."""
    response = function.invoke(event(*request, **named))
    assert "statusCode" in response, (response, function.log.read_text())
    return response["statusCode"], json.loads(response["body"])


def test_a_built_function_fits_into_lambdas_quota(bundles: dict[str, Path]) -> None:
    """The unzipped bundle stays below 250 MiB."""
    for bundle in bundles.values():
        size = sum(file.stat().st_size for file in bundle.rglob("*") if file.is_file())
        assert size < MAX_UNZIPPED_BYTES


def test_every_handler_is_imported_from_its_bundle_alone(
    bundles: dict[str, Path], runtime: emulated.Runtime
) -> None:
    """No built function needs a module that only this working tree or its environment has."""
    for name, body in templates.functions().items():
        modules = _modules_after_import(runtime, bundles[name], body["Handler"])
        ours = {where for module, where in modules.items() if module.startswith("control_plane")}
        assert ours
        assert all(Path(where).is_relative_to(bundles[name]) for where in ours)


def test_the_api_function_starts_without_what_it_does_not_need(
    bundles: dict[str, Path], runtime: emulated.Runtime
) -> None:
    """Importing the API handler loads no model client, AWS client or migration tool."""
    loaded = _modules_after_import(runtime, bundles["ApiFunction"], "handlers.api.handler")
    needless = loaded.keys() & HEAVY
    assert not needless


def _modules_after_import(runtime: emulated.Runtime, bundle: Path, handler: str) -> dict[str, str]:
    """Name and file of every module that importing a handler loads, in a bare process."""
    module = handler.rpartition(".")[0]
    show = (
        f"import json, sys, {module} as loaded; assert callable(loaded.handler);"
        "print(json.dumps({n: getattr(m, '__file__', None) or '' for n, m in sys.modules.items()}))"
    )
    done = subprocess.run(
        [runtime.python, "-c", show],
        cwd=bundle,
        env=runtime.environment(bundle, {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    modules: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return modules


def test_a_built_api_function_lives_and_is_ready(start: Start, database: Database) -> None:
    """GET /livez and GET /readyz answer 200 on a migrated database."""
    api = start("ApiFunction", {"CHAT_AGENT_DATABASE_URL": database.app})
    assert answer(api, "GET", "/livez") == (200, {"status": "ok"})
    status, body = answer(api, "GET", "/readyz")
    assert status == 200, body


def test_a_built_api_signs_in_decides_and_commits(start: Start, database: Database) -> None:
    """Login, one execution and the state it leaves, all through the built bundle."""
    bootstrap.seed(Store(database.app), ADMIN_PASSWORD)
    api = start("ApiFunction", {"CHAT_AGENT_DATABASE_URL": database.app})
    login = {"username": "admin", "password": ADMIN_PASSWORD}
    status, session = answer(api, "POST", "/v1/auth/login", login)
    assert status == 200, session
    asked = {"request_id": "built-1", "action": "demo.counter.set", "inputs": {"value": 7}}
    path, token = "/v1/projects/demo/executions", session["token"]
    status, execution = answer(api, "POST", path, asked, token=token)
    assert (status, execution["status"]) == (200, "success"), execution
    _, state = answer(api, "GET", "/v1/projects/demo/state", token=token)
    assert state["components"]["demo.counter"] == {"value": 7}
    assert state["version"] == execution["version"]


def test_a_built_api_function_refuses_unknown_callers(start: Start, database: Database) -> None:
    """Without a token a project answers 401 as problem details."""
    api = start("ApiFunction", {"CHAT_AGENT_DATABASE_URL": database.app})
    status, problem = answer(api, "GET", "/v1/projects/demo/state")
    assert (status, problem["code"]) == (401, "unauthenticated")


def test_a_built_migrate_function_brings_an_empty_database_to_the_newest_schema(
    start: Start, postgres: Cluster
) -> None:
    """The bundle carries the migrations and all that runs them; the API is ready afterwards."""
    bootstrap.create_database(postgres.superuser_url, "built_migrate")
    urls = bootstrap.logins(postgres.superuser_url, postgres.passwords, "built_migrate")
    migrate = start("MigrateFunction", {"CHAT_AGENT_OWNER_DATABASE_URL": urls.owner})
    migrated = migrate.invoke({})
    assert migrated.get("schema"), (migrated, migrate.log.read_text())
    api = start("ApiFunction", {"CHAT_AGENT_DATABASE_URL": urls.app})
    assert answer(api, "GET", "/readyz")[0] == 200


def test_a_built_chat_function_starts_without_a_database(start: Start) -> None:
    """With the API's address as its only setting it answers, and refuses unknown callers."""
    chat = start("ChatFunction", {"CHAT_AGENT_API_URL": "http://127.0.0.1:9"})
    asked = {"message": "set the counter to 5", "mode": "interactive"}
    status, problem = answer(chat, "POST", "/v1/projects/demo/chat", asked)
    assert (status, problem["code"]) == (401, "unauthenticated")
