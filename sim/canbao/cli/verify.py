"""`canbao verify`: hold an engine against theory and published cases."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from canbao.cli.arguments import epilog, json_option
from canbao.cli.output import console, print_json, print_table, progress_bar

if TYPE_CHECKING:
    from canbao.verify import Report, Row

__all__ = ["command"]

_HEADS = ("case", "quantity", "known", "mean", "interval", "verdict")


@click.command(
    "verify",
    epilog=epilog("canbao verify", "canbao verify --case M/M/1 --seed 7", "canbao verify --jobs 4 --json"),
)
@click.option("--engine", default="simpy", show_default=True, help="What is checked.")
@click.option("--seed", type=click.IntRange(0, 10**9), default=0, show_default=True, help="All luck follows from it.")
@click.option("--case", "cases", metavar="NAME", multiple=True, help="Only cases with this in their name; repeatable.")
@click.option(
    "--jobs", type=click.IntRange(1, 256), help="How many processes work side by side; one a core by default."
)
@json_option
@click.pass_context
def command(  # noqa: PLR0913, PLR0917 - its options
    context: click.Context, engine: str, seed: int, cases: tuple[str, ...], jobs: int | None, as_json: bool
) -> None:
    """Hold an engine against theory and published cases.

    Prints for every quantity what is known of it, exactly by theory or as published, and what came out, with its
    interval: of 99.9 % beside exact values, of 95 % beside published ones. The exit code is 1 if one does not hold.
    """
    from canbao.verify import verify

    with progress_bar(not as_json) as watch:
        report = verify(
            engine,
            seed=seed,
            only=cases,
            jobs=jobs or os.cpu_count() or 1,
            progress=watch and (lambda share: watch("cases", share)),
        )
    if as_json:
        print_json(_for_machines(report))
    else:
        _print_report(report)
    context.exit(0 if report.holds else 1)


def _for_machines(report: Report) -> dict[str, Any]:
    cases = [{**asdict(result), "holds": result.holds} for result in report.results]
    return {
        "engine": report.engine,
        "seed": report.seed,
        "precision": report.precision,
        "holds": report.holds,
        "cases": cases,
    }


def _print_report(report: Report) -> None:
    print_table(_HEADS, _rows(report), ("bold",))
    failed = [result.name for result in report.results if not result.holds]
    count = len(report.results)
    said = f"{count - len(failed)} of {count} cases hold" + (f", but not {', '.join(failed)}" if failed else "")
    screen = console()
    screen.print()
    screen.print(f"Engine {report.engine}, seed {report.seed}: {said}.", style="bold red" if failed else "bold green")


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    for result in report.results:
        # Controls hold the luck itself against what it should be; they are of interest when they fail.
        shown = [row for row in result.rows if row.kind != "control" or not row.holds]
        for number, row in enumerate(shown):
            interval = f"{row.mean - row.half_width:.5g} to {row.mean + row.half_width:.5g}"
            verdict = "holds" if row.holds else "DOES NOT HOLD"
            yield ("" if number else result.name, row.quantity, _known(row), f"{row.mean:.5g}", interval, verdict)


def _known(row: Row) -> str:
    published = f" ± {row.value_half_width:.3g}" if row.value_half_width else ""
    return f"{row.kind} {row.value:.5g}{published}"
