"""`chat-agent policy …`"""

from pathlib import Path
from typing import Annotated

import typer
from control_plane.engine.policy import Policy, PolicyRefused, compile_policy
from control_plane.policy_text import Media, read_policy
from control_plane.registry import load_registries

from infra.cli.shared import fail
from infra.policy_case_document import Expect
from infra.policy_cases import Outcome, never_exercised, read_cases, run_case

app = typer.Typer(help="Policies as files: check them, and test them.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="The policy, YAML or JSON.")]
CasesFile = Annotated[Path, typer.Argument(help="Its cases, YAML or JSON.")]
Strict = Annotated[bool, typer.Option("--strict", help="Fail where one is never exercised.")]

_MEDIA: dict[str, Media] = {".json": "json", ".yaml": "yaml", ".yml": "yaml"}


@app.command()
def validate(file: File) -> None:
    """Check a policy; each error is told with its line."""
    typer.echo(f"{file}: valid, {_summary(_policy(file))}.")


@app.command("test")
def decide_cases(file: File, cases: CasesFile, strict: Strict = False) -> None:
    """Decide cases with the engine itself; name the rules, approvals and budgets of actions that
    none has exercised."""
    try:
        asked, registry = read_cases(_text(cases), _MEDIA.get(cases.suffix), load_registries())
    except PolicyRefused as refused:
        raise _told(cases, refused) from refused
    policy = _policy(file)
    outcomes = [run_case(case, registry, policy) for case in asked]
    for outcome in outcomes:
        typer.echo(_line(outcome))
    failed = sum(not outcome.ok for outcome in outcomes)
    typer.echo(f"{len(outcomes) - failed} of {len(outcomes)} cases ok.")
    missed = never_exercised(policy, outcomes)
    if missed:
        typer.echo(f"never exercised: {', '.join(missed)}")
    if failed or (strict and missed):
        raise typer.Exit(1)


def _policy(file: Path) -> Policy:
    try:
        return compile_policy(read_policy(_text(file), _MEDIA.get(file.suffix)))
    except PolicyRefused as refused:
        raise _told(file, refused) from refused


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise fail(f"{file} can't be read: {error}.") from error


def _told(file: Path, refused: PolicyRefused) -> typer.Exit:
    """Print each error as editors read it, `FILE:LINE: key: error`."""
    for error in refused.errors:
        key = f"{error['key']}: " if error["key"] else ""
        typer.echo(f"{file}:{error['line']}: {key}{error['error']}", err=True)
    return typer.Exit(1)


def _line(outcome: Outcome) -> str:
    if outcome.ok:
        return f"ok      {outcome.name}"
    expected, found = _said(outcome.expected), _said(outcome.found)
    return f"FAILED  {outcome.name}\n        expected {expected}\n        found    {found}"


def _said(end: Expect) -> str:
    return f"{end.status} ({', '.join(sorted(end.reasons))})" if end.reasons else end.status


def _summary(policy: Policy) -> str:
    """How many of each kind it has."""
    limits = policy.limits
    single = (limits.per_minute, limits.per_hour, limits.per_day, limits.budget)
    counts = {
        "limit": sum(limit is not None for limit in single) + len(limits.action_budgets),
        "approval": len(policy.approvals),
        "rule": len(policy.rules),
        "role mapping": len(policy.role_mappings),
        "window": len(policy.windows),
    }
    some = [f"{n} {what}{'s' if n > 1 else ''}" for what, n in counts.items() if n]
    return f"with {', '.join(some)}" if some else "and limits nothing"
