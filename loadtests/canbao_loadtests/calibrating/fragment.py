"""What was fitted, as a scenario that extends the one of the load test."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from canbao_loadtests.calibrating.assumptions import Assumption

__all__ = ["fragment_text"]


def fragment_text(assumptions: Sequence[Assumption], run: str, scenario: Path, out: Path) -> str:
    """Write what was fitted as TOML; each value says that it was measured, where, and how well.

    Parameters
    ----------
    assumptions
        Those that are off go into it, the others into its comments.
    run
        The name of the load test.
    scenario
        What it extends: the scenario of the load test.
    out
        Where it will lie, to which the path of the scenario is relative.
    """
    base = os.path.relpath(scenario, out.parent)
    head = [
        f"# What load test {run} says of its scenario, fitted by `canbao calibrate`; `canbao run` takes it as it is.",
        f'extends = "{Path(base).as_posix()}"',
    ]
    return "\n".join([*head, *_tables(assumptions, run), *_confirmed(assumptions), *_unknown(assumptions)]) + "\n"


def _tables(assumptions: Sequence[Assumption], run: str) -> Iterator[str]:
    """Give the values, by table."""
    tables: dict[str, list[str]] = {}
    for one in assumptions:
        for text in one.remedy:
            path, _, value = text.partition("=")
            table, _, key = path.rpartition(".")
            tables.setdefault(table, []).append(f"{key} = {value} # V: load test {run}, {_evidence(one)}")
    for table, lines in tables.items():
        yield from ("", f"[{table}]", *lines)


def _evidence(one: Assumption) -> str:
    """Say what a value rests on, in a few words."""
    if one.what == "slots":
        return f"slots by the utilisation law, {_between(one)}"
    if one.what == "backlog":
        return f"{one.n:,} visits were turned away, {_between(one)}"
    if one.what == "review time":
        return f"all desks {_number(one.measured)} times as slow as stated, {_between(one)}, {one.n:,} applications"
    counted = {"request time": "quiet visits", "payment": "debits"}.get(one.what, "applications")
    return f"{one.n:,} {counted}, {_between(one)}"


def _between(one: Assumption) -> str:
    low, high = _number(one.low), _number(one.high)
    if one.high is None:
        return f"{low} or more"
    return f"{high} or less" if one.low is None else f"{low} to {high}"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.4g}"


_WHY: dict[str, str] = {
    "few visits": "there were too few visits",
    "never quiet": "the deployment was never quiet, so that every visit may have waited; measure at a lower rate too",
    "never full": "the slots were never all taken; measure at a higher rate",
    "never refused": "nobody was turned away",
    "few debits": "too few debits were asked for",
    "few applications": "too few applications were decided",
    "nothing waited": "applications hardly waited for clerks; measure with more of them",
    "no reasons": "the deployment gives no reasons, so that nobody knows at which desk",
    "no time": "there was no time to simulate it; `canbao calibrate` takes it",
    "shared": "",
}


def _confirmed(assumptions: Sequence[Assumption]) -> list[str]:
    """Say which stated values are as good as what was measured, as comments."""
    right = [one for one in assumptions if one.verdict == "within chance" and one.path]
    if not right:
        return []
    return ["", "# Within chance, and left as the scenario has it:"] + [
        f"# {one.path}: stated {_number(one.stated)}, measured {_between(one)}." for one in right
    ]


def _unknown(assumptions: Sequence[Assumption]) -> list[str]:
    """Say what could not be found out, as comments."""
    missing = [one for one in assumptions if one.verdict == "not identified"]
    if not missing:
        return []
    return ["", "# Not identified, and left as the scenario has it:"] + [
        f"# {one.path}: {_WHY[one.why]}{_bound(one)}." for one in missing
    ]


def _bound(one: Any) -> str:
    if one.low is None and one.high is None:
        return ""
    return f" (it is {_between(one)})"
