"""The CloudFormation templates as plain data, for tests that read them."""

from pathlib import Path
from typing import Any

import yaml

from tests.infra.sam import ROOT

TEMPLATES = [ROOT / "template.yaml", *sorted((ROOT / "infra").glob("*.yaml"))]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: `!Ref x` becomes {"Ref": "x"}, and so on."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = "Ref" if suffix == "Ref" else f"Fn::{suffix}"
    if isinstance(node, yaml.MappingNode):
        return {name: loader.construct_mapping(node, deep=True)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_scalar(node)}  # type: ignore[arg-type]


_Loader.add_multi_constructor("!", _short_form)


def read(path: Path) -> dict[str, Any]:
    """One template, its short forms written out."""
    loaded: dict[str, Any] = yaml.load(path.read_text(), Loader=_Loader)
    return loaded


def resources(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """The properties of each resource of one type, by logical name."""
    found: dict[str, dict[str, Any]] = template["Resources"]
    return {name: body["Properties"] for name, body in found.items() if body["Type"] == kind}


def functions() -> dict[str, dict[str, Any]]:
    """The properties of each function of the root template, by logical name."""
    return resources(read(ROOT / "template.yaml"), "AWS::Serverless::Function")
