"""The page about the flow: every row has a module, a scenario and a test, and all of them are there."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from canbao.district import FAILURES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "flow.md").read_text(encoding="utf-8")
LINES = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("|---")]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in LINES if "proved by" not in line]


def test_the_page_has_all_rows() -> None:
    """The tables are found, and there are as many rows as lines."""
    assert len(ROWS) > 50
    assert all(len(row) == 4 and all(row) for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_row_names_what_is_there(row: list[str]) -> None:
    """The module can be found, the scenario is a file, and the test is a function of that name."""
    module, scenario, test = (cell.strip("`") for cell in row[1:])
    assert importlib.util.find_spec(module) is not None
    assert (ROOT / "scenarios" / f"{scenario}.toml").is_file()
    path, _, function = test.partition("::")
    assert re.search(rf"^def {function}\(", (ROOT / path).read_text(encoding="utf-8"), flags=re.MULTILINE), test


def test_every_failure_has_a_row() -> None:
    """The table of failures has each name once."""
    table = PAGE.partition("## Failures")[2].partition("\n## ")[0]
    named = re.findall(r"^\| ([a-z ]+) \| `", table, flags=re.MULTILINE)
    assert sorted(named) == sorted(FAILURES)
