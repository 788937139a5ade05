"""`canbao verify`: hold the engines against theory, published cases, and each other."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from canbao.cli.arguments import engine_option, epilog, json_option
from canbao.cli.output import console, print_json, print_table, progress_bar

if TYPE_CHECKING:
    from canbao.runs import Watch
    from canbao.verify import Report, Result, Row

__all__ = ["command"]


@click.command(
    "verify",
    epilog=epilog(
        "canbao verify",
        "canbao verify --case M/M/1 --seed 7",
        "canbao verify --engine compiled",
        "canbao verify --jobs 4 --json",
    ),
)
@engine_option("both", "What is checked: simpy, compiled or both.")
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
    """Hold the engines against theory and published cases.

    Prints for every quantity what is known of it, exactly by theory or as published, and what came out on each engine,
    with the interval: of 99.9 % beside exact values, of 95 % beside published ones. Two engines are held against each
    other too, bit for bit. The exit code is 1 if something does not hold.
    """
    from canbao.verify import verify

    with progress_bar(not as_json) as watch:
        _prepare(engine, watch)
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


def _prepare(engine: str, watch: Watch | None) -> None:
    """Compile what is not compiled yet, and say so."""
    from canbao.engines.choosing import named_engines
    from canbao.engines.preparing import compile_engine

    for each in named_engines(engine):
        if watch is not None and not each.ready():
            watch("compile", 0.0)
        compile_engine(each)


def _for_machines(report: Report) -> dict[str, Any]:
    cases = [{**asdict(result), "holds": result.holds} for result in report.results]
    return {
        "engines": report.engines,
        "seed": report.seed,
        "precision": report.precision,
        "holds": report.holds,
        "cases": cases,
    }


def _print_report(report: Report) -> None:
    cases = [tuple(results) for _, results in groupby(report.results, key=lambda result: result.name)]
    heads = ("case", "quantity", "known", *report.engines, "interval", "verdict")
    print_table(heads, (line for case in cases for line in _lines(case)), ("bold",))
    screen = console()
    screen.print()
    for result in report.results:
        if result.unsupported:
            screen.print(f"{result.name}: not on engine {result.engine}, because {result.unsupported}")
        if result.differs:
            said = f"{result.name}: engine {result.engine} differs from {report.engines[0]}: {result.differs}"
            screen.print(said, style="bold red")
    screen.print(_verdict(report, cases), style="bold green" if report.holds else "bold red")


def _verdict(report: Report, cases: Sequence[tuple[Result, ...]]) -> str:
    ran = [case for case in cases if any(result.rows for result in case)]
    failed = [case[0].name for case in ran if not all(result.holds for result in case)]
    said = f"{len(ran) - len(failed)} of {len(ran)} cases hold" + (f", but not {', '.join(failed)}" if failed else "")
    if len(report.engines) == 1:
        return f"Engine {report.engines[0]}, seed {report.seed}: {said}."
    differs = any(result.differs for result in report.results)
    agree = "the engines differ" if differs else "the engines agree to the last bit"
    return f"Engines {' and '.join(report.engines)}, seed {report.seed}: {said}; {agree}."


def _lines(case: Sequence[Result]) -> Iterator[tuple[str, ...]]:
    """Give the lines of a case: one a quantity, and one more for each engine that found something else."""
    rows_of = [result.rows for result in case]
    most = max(rows_of, key=len)
    # Controls hold the luck itself against what it should be; they are of interest when they fail.
    shown = [n for n, row in enumerate(most) if row.kind != "control" or not row.holds]
    for n in shown:
        found = [rows[n] if rows else None for rows in rows_of]
        for again, row in enumerate(dict.fromkeys(filter(None, found))):
            name = case[0].name if n == shown[0] and not again else ""
            quantity = ("", "") if again else (row.quantity, _known(row))
            means = (f"{row.mean:.5g}" if other == row else "-" for other in found)
            interval = f"{row.mean - row.half_width:.5g} to {row.mean + row.half_width:.5g}"
            yield (name, *quantity, *means, interval, "holds" if row.holds else "DOES NOT HOLD")


def _known(row: Row) -> str:
    published = f" ± {row.value_half_width:.3g}" if row.value_half_width else ""
    return f"{row.kind} {row.value:.5g}{published}"
