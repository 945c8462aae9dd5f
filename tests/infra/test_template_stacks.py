"""The nested stacks: a network without a way out, a database that is hard to lose, alarms."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from control_plane.observing import metrics
from cryptography import x509

from tests.infra import sam, templates
from tests.infra.test_template import actions

INFRA = sam.ROOT / "infra"
NETWORK = templates.read(INFRA / "network.yaml")
DATABASE = templates.read(INFRA / "database.yaml")
MONITORING = templates.read(INFRA / "monitoring.yaml")
ROOTS = Path(sam.ROOT / "functions" / "rds-ca.pem")


def kinds(template: dict[str, Any]) -> set[str]:
    """Every resource type of a template."""
    return {body["Type"] for body in template["Resources"].values()}


def test_the_network_has_no_way_to_the_internet_and_costs_nothing() -> None:
    """No gateway, no NAT, no interface endpoint: only subnets and S3's free gateway endpoint."""
    assert not kinds(NETWORK) & {
        "AWS::EC2::InternetGateway",
        "AWS::EC2::NatGateway",
        "AWS::EC2::EIP",
        "AWS::EC2::Route",
    }
    [endpoint] = templates.resources(NETWORK, "AWS::EC2::VPCEndpoint").values()
    assert endpoint["VpcEndpointType"] == "Gateway"


def test_s3_is_reached_for_the_two_buckets_alone() -> None:
    """The endpoint's policy names the archive and the anchors, so nothing leaks elsewhere."""
    [endpoint] = templates.resources(NETWORK, "AWS::EC2::VPCEndpoint").values()
    use, erase = endpoint["PolicyDocument"]["Statement"]
    assert "ArchiveBucketArn" in json.dumps(use["Resource"])
    assert "AnchorBucketArn" in json.dumps(use["Resource"])
    assert "*" not in use["Resource"]
    assert set(erase["Action"]) == {"s3:ListBucketVersions", "s3:DeleteObjectVersion"}
    assert erase["Resource"] == [
        {"Ref": "ArchiveBucketArn"},
        {"Fn::Sub": "${ArchiveBucketArn}/*"},
    ]


def test_the_network_lets_through_whatever_the_archive_function_may_do() -> None:
    """The endpoint names each action: one that is missing there would fail on AWS alone."""
    [endpoint] = templates.resources(NETWORK, "AWS::EC2::VPCEndpoint").values()
    allowed = {a for s in endpoint["PolicyDocument"]["Statement"] for a in s["Action"]}
    assert {a for a in actions("ArchiveFunction") if a.startswith("s3:")} <= allowed


def test_nothing_but_functions_and_proxy_reaches_the_database() -> None:
    """Every way in names a security group, no address range."""
    for body in templates.resources(NETWORK, "AWS::EC2::SecurityGroup").values():
        assert all("CidrIp" not in rule for rule in body.get("SecurityGroupIngress", []))


def test_the_database_is_hard_to_lose() -> None:
    """Deletion leaves a snapshot and is refused first; 35 days of recovery; a copy each day."""
    cluster = DATABASE["Resources"]["Cluster"]
    assert cluster["DeletionPolicy"] == cluster["UpdateReplacePolicy"] == "Snapshot"
    assert cluster["Properties"]["DeletionProtection"] is True
    assert cluster["Properties"]["BackupRetentionPeriod"] == 35
    assert {"AWS::Backup::BackupPlan", "AWS::Backup::BackupSelection"} <= kinds(DATABASE)
    assert DATABASE["Resources"]["BackupVault"]["DeletionPolicy"] == "Retain"


def test_the_database_takes_tls_and_iam_logins_and_no_password_of_ours() -> None:
    """RDS itself makes and rotates the only password there is."""
    cluster = DATABASE["Resources"]["Cluster"]["Properties"]
    parameters = DATABASE["Resources"]["ClusterParameters"]["Properties"]["Parameters"]
    assert parameters["rds.force_ssl"] == "1"
    assert cluster["EnableIAMDatabaseAuthentication"] is True
    assert cluster["ManageMasterUserPassword"] is True
    assert cluster["StorageEncrypted"] is True
    assert "MasterUserPassword" not in cluster


def test_the_proxy_is_made_in_proxy_mode_only() -> None:
    """Direct mode has no proxy to pay for."""
    proxied = [n for n, b in DATABASE["Resources"].items() if b.get("Condition") == "UsesProxy"]
    assert proxied == ["ProxyRole", "Proxy", "ProxyTargets"]


def test_every_alarm_tells_someone() -> None:
    """Each alarm says in a sentence what happened and goes to the topic."""
    alarms = templates.resources(MONITORING, "AWS::CloudWatch::Alarm")
    for body in alarms.values():
        assert body["AlarmActions"] == [{"Ref": "AlarmTopic"}]
        assert body["AlarmDescription"]
    assert {"ApiServerErrors", "ArchiveFailed", "ArchiveNotRun"} <= alarms.keys()


def test_alarms_of_our_own_metrics_watch_what_is_told() -> None:
    """Name, namespace and dimensions are those of the functions' metrics."""
    alarms = templates.resources(MONITORING, "AWS::CloudWatch::Alarm").values()
    own = [body for body in alarms if not body["Namespace"].startswith("AWS/")]
    watched = {body["MetricName"]: body["Dimensions"] for body in own}
    assert watched == {
        "ArchiveLag": [{"Name": "service", "Value": "archive"}],
        "OutboxLag": [{"Name": "service", "Value": "tick"}],
    }
    assert watched.keys() <= {name for name, _ in metrics.MEASURES.values()}
    assert {body["Namespace"] for body in own} == {metrics.NAMESPACE}


def test_a_run_that_only_anchors_is_no_archive_run() -> None:
    """What is missed are figures that only archive runs tell; both schedules call the function."""
    alarm = templates.resources(MONITORING, "AWS::CloudWatch::Alarm")["ArchiveNotRun"]
    assert (alarm["MetricName"], alarm["Statistic"]) == ("ArchiveLag", "SampleCount")
    assert alarm["TreatMissingData"] == "breaching"


def test_every_function_has_an_alarm() -> None:
    """No function of the root template fails unseen."""
    alarms = templates.resources(MONITORING, "AWS::CloudWatch::Alarm").values()
    watched = {
        dimension["Value"]["Ref"]
        for body in alarms
        if body["MetricName"] == "Errors"
        for dimension in body["Dimensions"]
    }
    assert watched == templates.functions().keys()


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-northeast-1"])
def test_the_bundle_carries_the_roots_that_amazon_signs_with(region: str) -> None:
    """A function can verify the database it talks to in any common region."""
    names = [name for name, _ in _roots()]
    assert f"Amazon RDS {region} Root CA RSA2048 G1" in names
    assert "Amazon Root CA 1" in names


def test_every_root_in_the_bundle_is_valid() -> None:
    """Each certificate has signed itself and has not expired."""
    now = datetime.now(UTC)
    for name, root in _roots():
        root.verify_directly_issued_by(root)
        assert root.not_valid_before_utc < now < root.not_valid_after_utc, name


def _roots() -> list[tuple[str, x509.Certificate]]:
    roots = x509.load_pem_x509_certificates(ROOTS.read_bytes())
    common_name = x509.NameOID.COMMON_NAME
    return [(str(r.subject.get_attributes_for_oid(common_name)[0].value), r) for r in roots]
