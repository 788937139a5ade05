"""``python -m canbao_plugins.policies``: the built-in regions side by side, or all that one region says, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from canbao.errors import InputError, ScenarioError
from canbao.scenario.faults import inline, nearest
from canbao_plugins.policies.reading import REGIONS, Evidence, evidence_of, read_region
from canbao_plugins.policies.region import Region

__all__ = ["command", "main", "overview", "values_of"]


def overview(name: str) -> dict[str, Any]:
    """Give the main values of a built-in region, as they are printed."""
    region = Region.named(name)
    fees = region.fees.model_dump()
    return {
        "region": name,
        "title": region.title,
        "insurance year": str(region.insurance_year),
        "collection": f"{region.start} to {region.deadline}",
        "a child pays": f"{region.fees.ordinary:g}",
        "reduced": f"{min(fees.values()):g} to {max(value for key, value in fees.items() if key != 'ordinary'):g}",
        "the state adds": f"{region.subsidy:g}",
        "newborns": f"{region.newborn_days} days",
        "wait": f"{region.waiting.months} months",
    }


def values_of(region: str) -> list[Evidence]:
    """Give each value of a built-in region, or of a region file, with the evidence behind it.

    Raises
    ------
    InputError
        For a name that is neither; a ScenarioError for a file with faults.
    """
    if region in REGIONS:
        return list(evidence_of(read_region(REGIONS[region]), besides={}))
    if region.endswith(".toml") or Path(region).exists():
        return list(evidence_of(read_region(region), besides={}))
    close = nearest(region, REGIONS)
    hint = f"; did you mean {close}?" if close else ""
    raise InputError(f"there is no region {region!r}; there are {', '.join(REGIONS)}, and files of one's own{hint}")


@click.command("regions")
@click.argument("regions", metavar="[REGION...]", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines, and nothing else.")
def command(regions: Sequence[str], as_json: bool) -> None:
    """List the built-in regions, or all values of some with their grades of evidence.

    REGION is a built-in region or a region file of one's own. A value that a region takes over from another says from
    which.
    """
    from canbao.cli.output import print_json, print_table

    if as_json:
        named = {region: [asdict(item) for item in values_of(region)] for region in regions or REGIONS}
        print_json([{"region": region, "values": values} for region, values in named.items()])
        return
    if not regions:
        rows = [overview(name) for name in REGIONS]
        print_table(list(rows[0]), [list(row.values()) for row in rows], ("bold",))
    for region in regions:
        rows_of_one = [_row(item) for item in values_of(region)]
        print_table(("key", "value", "grade", "said by", "evidence"), rows_of_one, ("bold",))


def _row(item: Evidence) -> tuple[str, ...]:
    place = item.region if item.line is None else f"{item.region}:{item.line}"
    return item.key, inline(item.value, limit=120), item.grade or "–", place, item.source


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; give the exit code."""
    from canbao.cli.output import print_faults

    try:
        command.main(args=None if arguments is None else list(arguments), prog_name=_PROGRAM, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except ScenarioError as error:
        print_faults(error.faults)
        return error.exit_code
    except InputError as error:
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    return 0


_PROGRAM = "python -m canbao_plugins.policies"
