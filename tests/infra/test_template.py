"""The CloudFormation templates: what SAM and cfn-lint say, and what they must never lose."""

import json
import re
from dataclasses import fields
from importlib import import_module
from typing import Any

import pytest
from control_plane.settings import Settings

from tests.infra import sam, templates

ROOT = templates.read(sam.ROOT / "template.yaml")
GATEWAY_LIMIT_S = 30


def statements(function: str) -> list[dict[str, Any]]:
    """Every statement of a function's own policies, conditional ones included."""
    found: list[dict[str, Any]] = []
    for policy in templates.functions()[function].get("Policies", []):
        document = policy["Fn::If"][1] if "Fn::If" in policy else policy
        found.extend(document["Statement"])
    return found


def actions(function: str) -> set[str]:
    """Every AWS action that a function's own policies allow."""
    listed = [statement["Action"] for statement in statements(function)]
    return {name for one in listed for name in ([one] if isinstance(one, str) else one)}


def login(function: str) -> str:
    """The one database login that a function may connect as."""
    [connect] = [s for s in statements(function) if s["Action"] == "rds-db:connect"]
    name: str = connect["Resource"]["Fn::Sub"].rpartition("/")[2]
    return name


def test_sam_finds_nothing_wrong_with_the_root_template() -> None:
    """`sam validate --lint` accepts template.yaml: no warning, no circular dependency."""
    assert "is a valid SAM Template" in sam.tool("sam", "validate", "--lint")


def test_cfn_lint_finds_nothing_wrong_with_any_template() -> None:
    """cfn-lint has no remark on the root or a nested stack."""
    assert sam.tool("cfn-lint", *map(str, templates.TEMPLATES)) == ""


@pytest.mark.parametrize("path", templates.TEMPLATES, ids=lambda path: path.name)
def test_every_parameter_and_output_is_described(path: Any) -> None:
    """Whoever deploys reads what each parameter and output is."""
    template = templates.read(path)
    for part in ("Parameters", "Outputs"):
        assert all(body.get("Description") for body in template.get(part, {}).values())


def test_the_stack_tells_what_the_deployments_commands_need() -> None:
    """Each `$NAME` in docs/deploy.md is an output, but for the shell's and one's own instance."""
    page = (sam.ROOT / "docs" / "deploy.md").read_text()
    needed = set(re.findall(r"\$([A-Z_]+)", page)) - {"PATH", "PWD", "INSTANCE"}
    assert needed <= {re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper() for name in ROOT["Outputs"]}


@pytest.mark.parametrize("name", templates.functions())
def test_every_handler_exists(name: str) -> None:
    """Each function names a handler of this repository, and all share one code folder."""
    module, _, function = templates.functions()[name]["Handler"].rpartition(".")
    assert callable(getattr(import_module(module), function))
    assert ROOT["Globals"]["Function"]["CodeUri"] == "functions/"


@pytest.mark.parametrize("name", templates.functions())
def test_every_variable_is_a_setting(name: str) -> None:
    """No function is given a variable that the settings do not read."""
    known = {field.name.upper() for field in fields(Settings)}
    assert templates.functions()[name]["Environment"]["Variables"].keys() <= known


def test_no_secret_stands_in_a_variable() -> None:
    """Database URLs carry no password, and no variable resolves a secret's text."""
    for name, body in templates.functions().items():
        text = json.dumps(body["Environment"])
        assert "resolve:" not in text, name
        for variable, value in body["Environment"]["Variables"].items():
            if variable.endswith("_DATABASE_URL"):
                assert "verify-full" in value["Fn::Sub"]
                assert ":" not in value["Fn::Sub"].removeprefix("postgresql://").split("@")[0]


@pytest.mark.parametrize("name", ["ApiFunction", "ChatFunction"])
def test_functions_behind_the_api_end_before_the_gateway_does(name: str) -> None:
    """API Gateway ends a request at 30 s; the function must answer before."""
    assert templates.functions()[name]["Timeout"] < GATEWAY_LIMIT_S


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ApiFunction", "chat_agent_app"),
        ("ArchiveFunction", "chat_agent_archiver"),
        ("MigrateFunction", "chat_agent_owner"),
    ],
)
def test_each_database_function_has_its_own_login(name: str, expected: str) -> None:
    """A function may connect as one role, the one that its URL names, and stays in the VPC."""
    body = templates.functions()[name]
    assert login(name) == expected
    assert expected in json.dumps(body["Environment"])
    assert "VpcConfig" in body


def test_the_api_may_read_archives_and_change_none() -> None:
    """A fault in the API can neither write nor delete an archived record."""
    assert actions("ApiFunction") == {"rds-db:connect", "s3:GetObject", "s3:GetObjectVersion"}
    [reads] = [s for s in statements("ApiFunction") if "s3:GetObject" in s["Action"]]
    assert reads["Resource"] == {"Fn::Sub": "${ArchiveBucket.Arn}/executions/*"}


def test_only_an_erasure_deletes_and_no_function_lifts_a_lock() -> None:
    """Archives and anchors outlive every function's own mistakes, but for what erasures take."""
    for name in templates.functions():
        deletes = {a for a in actions(name) if "Delete" in a or "Bypass" in a or "*" in a}
        assert deletes == ({"s3:DeleteObjectVersion"} if name == "ArchiveFunction" else set())
    [allowed] = [s for s in statements("ArchiveFunction") if "Delete" in str(s["Action"])]
    assert allowed["Resource"] == [
        {"Fn::Sub": "${ArchiveBucket.Arn}/executions/*"},
        {"Fn::Sub": "${ArchiveBucket.Arn}/checkpoints/*"},
    ]


def test_time_goes_on_where_the_database_may_pause() -> None:
    """Once a night, while the archive run has it awake; each minute elsewhere, and never again."""
    tick = templates.functions()["TickFunction"]
    states = {name: event["Properties"]["State"] for name, event in tick["Events"].items()}
    assert states == {
        "Often": {"Fn::If": ["MayPause", "DISABLED", "ENABLED"]},
        "Nightly": {"Fn::If": ["MayPause", "ENABLED", "DISABLED"]},
    }
    assert tick["EventInvokeConfig"] == {"MaximumRetryAttempts": 0}


def test_the_chat_function_reaches_no_database_and_only_its_key() -> None:
    """The agent has no authority: no VPC, no login, no URL but the API's, one secret."""
    chat = templates.functions()["ChatFunction"]
    assert "VpcConfig" not in chat
    assert actions("ChatFunction") == {"secretsmanager:GetSecretValue"}
    assert not [name for name in chat["Environment"]["Variables"] if "DATABASE" in name]


def test_migrations_can_only_be_invoked_by_hand() -> None:
    """No route, schedule or other event reaches the owner's login."""
    assert "Events" not in templates.functions()["MigrateFunction"]
    permissions = templates.resources(ROOT, "AWS::Lambda::Permission").values()
    assert {"Ref": "MigrateFunction"} not in [body["FunctionName"] for body in permissions]


def test_the_routes_are_those_of_the_api() -> None:
    """The chat route goes to the chat function, all others to the API function."""
    integrations = templates.resources(ROOT, "AWS::ApiGatewayV2::Integration")
    routes = {
        route["RouteKey"]: integrations[route["Target"]["Fn::Sub"].split("{")[1].rstrip("}")]
        for route in templates.resources(ROOT, "AWS::ApiGatewayV2::Route").values()
    }
    served = {key: body["IntegrationUri"]["Fn::GetAtt"] for key, body in routes.items()}
    assert served == {
        "ANY /v1/{proxy+}": "ApiFunction.Arn",
        "ANY /openapi.json": "ApiFunction.Arn",
        "ANY /livez": "ApiFunction.Arn",
        "ANY /readyz": "ApiFunction.Arn",
        "ANY /v1/projects/{project}/chat": "ChatFunction.Arn",
    }
    assert {body["PayloadFormatVersion"] for body in integrations.values()} == {"2.0"}


def test_access_logs_never_hold_a_token() -> None:
    """The Authorization header is in no log format."""
    [stage] = templates.resources(ROOT, "AWS::ApiGatewayV2::Stage").values()
    assert stage["StageName"] == "$default"
    assert json.loads(stage["AccessLogSettings"]["Format"])
    assert "header" not in stage["AccessLogSettings"]["Format"].lower()


def test_buckets_outlive_the_stack_and_are_closed() -> None:
    """Both buckets are kept, versioned, encrypted, private, and answer TLS only."""
    policies = templates.resources(ROOT, "AWS::S3::BucketPolicy").values()
    guarded = {body["Bucket"]["Ref"] for body in policies if "SecureTransport" in json.dumps(body)}
    buckets = templates.resources(ROOT, "AWS::S3::Bucket")
    assert buckets.keys() == guarded
    for name, body in buckets.items():
        assert ROOT["Resources"][name]["DeletionPolicy"] == "Retain"
        assert ROOT["Resources"][name]["UpdateReplacePolicy"] == "Retain"
        assert body["VersioningConfiguration"] == {"Status": "Enabled"}
        assert body["BucketEncryption"]
        assert all(body["PublicAccessBlockConfiguration"].values())


def test_anchors_are_locked() -> None:
    """The anchor bucket has Object Lock with a default retention."""
    anchors = templates.resources(ROOT, "AWS::S3::Bucket")["AnchorBucket"]
    assert anchors["ObjectLockEnabled"] is True
    assert anchors["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
