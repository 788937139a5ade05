"""`canbao target`: check the folder that describes a deployment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from canbao.cli.arguments import epilog, json_option
from canbao.cli.output import on_one_line, print_faults, print_json, print_table
from canbao.errors import InputError, StorageError
from canbao_loadtests.flow import FLOW

if TYPE_CHECKING:
    from canbao.errors import Fault
    from canbao_loadtests.targets.arazzo_target import ArazzoTarget, Examination
    from canbao_loadtests.targets.checking import Walk

__all__ = ["command"]

_FAILED = 1
_FAULTY = 2


@click.group(
    "target",
    epilog=epilog(
        "canbao target check loadtests/targets/reference",
        "canbao target check mine --host http://127.0.0.1:8080",
        "canbao target schema > contract.schema.json",
    ),
)
def command() -> None:
    """Check targets: the folders that describe deployments for load tests."""


@command.command(
    "check",
    epilog=epilog(
        "canbao target check loadtests/targets/reference",
        "canbao target check loadtests/targets/reference --host http://127.0.0.1:8780",
        "canbao target check mine --host https://t.example.org --allow-host t.example.org --max-rate 5",
        "canbao target check mine --host http://127.0.0.1:8080 --step enrol",
    ),
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--host", metavar="URL", help="Walk one invented family through the deployment at this address.")
@click.option("--step", type=click.Choice(list(FLOW)), metavar="NAME", help="Walk as far as this step.")
@click.option("--wait", "wait_s", metavar="SECONDS", default=10.0, show_default=True, help="How long for a decision.")
@click.option("--allow-host", "allow_hosts", metavar="NAME", multiple=True, help="A host other than this machine.")
@click.option("--max-rate", type=click.FloatRange(min=0), metavar="N", help="Requests a second, at most.")
@json_option
def check(folder: Path, step: str | None, **options: Any) -> None:
    """Check a target's documents, and walk one family through it.

    Shows which steps of the flow the documents cover and which are missing. With --host every request and answer is
    shown, with numbers, passwords and tokens masked; everybody in them is invented. The exit code is 2 if a document
    has a fault, 1 if a step fails.
    """
    _need_extra()
    from canbao_loadtests.targets.arazzo_target import examine

    found, as_json = examine(folder), options["as_json"]
    faults = [*found.faults.found, *_of_openapi(found, as_json)]
    rows = list(_rows(found))
    told: dict[str, Any] = {
        "target": found.settings.name,
        "documents": [str(path) for path in _documents(found)],
        "steps": rows,
        "faults": [asdict(fault) for fault in faults],
    }
    if not as_json:
        _print_steps(found, rows, faults)
    if faults:
        if as_json:
            print_json(told)
        else:
            print_faults(faults)
        raise click.exceptions.Exit(_FAULTY)
    if options["host"] is None:
        _without_host(told, as_json)
        return
    missed = _walked(folder, step, told, options)
    if as_json:
        print_json(told)
    elif missed:
        click.echo(f"not done: {', '.join(missed)}")
    if missed:
        raise click.exceptions.Exit(_FAILED)


@command.command("schema", epilog=epilog("canbao target schema > contract.schema.json"))
def schema() -> None:
    """Print the contract of targets as a JSON Schema, for editors.

    It describes Arazzo documents with the steps of the flow, what canbao supplies to each and needs back, and the
    words under x-canbao; target.toml stands under $defs.
    """
    _need_extra()
    from canbao_loadtests.targets.contract import contract_schema

    print_json(contract_schema())


def _need_extra() -> None:
    from importlib.util import find_spec

    if any(find_spec(name) is None for name in ("gevent", "jsonpath", "lxml", "yaml")):
        raise StorageError("canbao target needs more packages: pip install 'canbao[load]'")


# --- documents ---


def _of_openapi(found: Examination, as_json: bool) -> list[Fault]:
    from canbao_loadtests.targets.checking import openapi_faults

    documents = {
        operations.document.path: operations.document for s in found.sheets for operations in s.operations.values()
    }
    faults: list[Fault] = []
    for document in documents.values():
        of_one = openapi_faults(document)
        if of_one is None and not as_json:
            click.echo("openapi-spec-validator is not installed: only what requests need was checked", err=True)
        faults += of_one or []
    return faults


def _documents(found: Examination) -> Iterator[Path]:
    for sheet in found.sheets:
        yield sheet.document.path
        yield from (operations.document.path for operations in sheet.operations.values())


def _rows(found: Examination) -> Iterator[dict[str, Any]]:
    for step in FLOW.values():
        workflow = found.compiled.workflows.get(step.name)
        calls = [one.operation or f"({one.workflow})" for one in workflow.steps] if workflow else []
        yield {
            "step": step.name,
            "side": step.side,
            "required": step.required,
            "covered": workflow is not None,
            "calls": calls,
        }


def _print_steps(found: Examination, rows: list[dict[str, Any]], faults: list[Fault]) -> None:
    papers = ", ".join(found.compiled.papers)
    table = [(row["step"], row["side"], _covered(row), ", ".join(row["calls"])) for row in rows]
    print_table(("step", "side", "covered", "operations"), table, ("bold",))
    click.echo(f"\n{found.settings.name}: {', '.join(path.name for path in _documents(found))}", nl=False)
    click.echo(f"; papers: {papers}" if papers else "", nl=False)
    click.echo(f"; {len(faults)} fault{'s' if len(faults) > 1 else ''}" if faults else "; no faults")


def _covered(row: dict[str, Any]) -> str:
    if row["covered"]:
        return "yes"
    return "MISSING" if row["required"] else "no"


def _without_host(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json({**told, "walk": None})
    else:
        click.echo("The documents alone were checked; with --host URL one family is walked through the deployment.")


# --- the walk ---


def _walked(folder: Path, step: str | None, told: dict[str, Any], options: dict[str, Any]) -> list[str]:
    """Walk, and show it; give the steps that are not done."""
    from canbao_loadtests.targets.arazzo_target import load_target

    target = load_target(folder)
    if step is not None and step not in target.steps:
        raise InputError(f"--step {step}: the target has no such step; it has {', '.join(sorted(target.steps))}")
    with _walk(target, options) as walk:
        return _shown(walk, step, told, options["as_json"])


def _shown(walk: Walk, step: str | None, told: dict[str, Any], as_json: bool) -> list[str]:
    from canbao_loadtests.targets.showing import Mask, as_data, as_lines

    target = walk.target
    hide = Mask(walk.family, {name: target.backdrop.inputs.get(name, "") for name in target.settings.secrets})
    taken_steps = []
    told["walk"] = []
    for taken in walk.steps(step):
        hide.hide(walk.session)
        taken_steps.append(taken.step)
        told["walk"].append(as_data(taken, hide))
        for line in () if as_json else as_lines(taken, hide):
            click.echo(on_one_line(line))
    if walk.waits_for and not as_json:
        click.echo(f"The walk ended waiting for {walk.waits_for}; --wait 60 waits longer.")
    return [name for name in dict.fromkeys(taken_steps) if name not in walk.done and name != walk.waits_for]


@contextmanager
def _walk(target: ArazzoTarget, options: dict[str, Any]) -> Iterator[Walk]:
    import datetime as dt
    import secrets

    import gevent

    from canbao.calendar import Horizon
    from canbao_loadtests.applicants import Applicants
    from canbao_loadtests.http.client import Client
    from canbao_loadtests.http.safety import Safety, allowed_hosts
    from canbao_loadtests.targets.checking import Walk

    run, first_day = secrets.token_hex(4), dt.date(2026, 1, 1)  # children's ages count from there
    rate = target.settings.max_rate if options["max_rate"] is None else options["max_rate"]
    safety = Safety(allowed_hosts(options["allow_hosts"], target.settings.allow_hosts), rate)
    client = Client(options["host"], safety)
    families = Applicants({}, Horizon(first_day, first_day), secrets.randbits(32), run=run, paper_bytes=20_000)
    browser = client.browser({}, lambda exchange: None)
    try:
        yield Walk(target, browser, families.of(0), families.paper, run, options["wait_s"], gevent.sleep)
    finally:
        browser.close()
        client.close()
