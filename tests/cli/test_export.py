"""`canbao export`: a stored run in the form of another program."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
from click.testing import Result

from canbao.cli.export import FORMS
from canbao.languages import language_named
from canbao.plugins import load_plugins
from canbao.runs import read_run, run_scenario
from canbao.scenario.scenario import load_scenario

Invoke = Callable[..., Result]
Start = Callable[..., Any]
AnswerOf = Callable[[Result], Any]


@pytest.fixture
def run(scenario: Path, tmp_path: Path) -> Path:
    """Give the folder of a stored run without reports."""
    plugins = load_plugins(environment={"CANBAO_NO_PLUGINS": "1"})
    silent = replace(plugins, tables={**plugins.tables, "reporters": {}})
    return run_scenario(load_scenario(scenario, silent), silent, out=tmp_path / "runs").folder


def _left(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("form", FORMS)
def test_an_export_prints_where_it_is(canbao: Invoke, run: Path, tmp_path: Path, form: str) -> None:
    """Each form is written to where it was asked for, and its path is all that is printed."""
    out = tmp_path / "new" / "out"
    result = canbao("export", run, "--as", form, "--out", out)
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{out}\n", "")
    assert out.exists()


def test_machines_get_each_file_with_its_rows(canbao: Invoke, run: Path, answer_of: AnswerOf) -> None:
    """JSON names the run, the form, the place and each file; the place is in the run where none is given."""
    said = answer_of(canbao("export", run.parent, "--as", "csv", "--json"))
    path = run / "exports" / "events.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = len(list(csv.reader(file))) - 1
    assert said == {"run": str(run), "as": "csv", "path": str(path), "files": {"events.csv": rows}}
    assert read_run(run.parent).folder == run


def test_every_moment_gives_more_events(canbao: Invoke, run: Path, tmp_path: Path, answer_of: AnswerOf) -> None:
    """With --every-moment a visit is more than one event; what is no event log does not have the choice."""
    few, many = (
        sum(
            answer_of(canbao("export", run, "--as", "xes", "--out", tmp_path / name, "--json", *more))["files"].values()
        )
        for name, more in (("few", ()), ("many", ("--every-moment",)))
    )
    assert many > 2 * few
    result = canbao("export", run, "--as", "charts", "--every-moment")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


def test_charts_come_in_the_language_that_is_asked_for(canbao: Invoke, run: Path, tmp_path: Path) -> None:
    """Headers of charts are in English or Chinese, as --lang says."""
    for lang in ("en", "zh"):
        assert canbao("export", run, "--as", "charts", "--lang", lang, "--out", tmp_path / lang).exit_code == 0
        with (tmp_path / lang / "review-flow.csv").open(encoding="utf-8-sig", newline="") as file:
            assert next(csv.reader(file))[0] == language_named(lang).say("date")


@pytest.mark.parametrize(
    "arguments", [["--as", "xls"], [], ["--as", "xes", "--out", ""], ["--as", "xes", "--lang", "xx"]]
)
def test_wrong_usage_is_told(canbao: Invoke, run: Path, arguments: list[str]) -> None:
    """An unknown form, no form, no name and an unknown language are exit code 2; forms are listed."""
    before = _left(run)
    result = canbao("export", run, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "xls" not in arguments or all(f"'{form}'" in result.stderr for form in FORMS)
    assert _left(run) == before


@pytest.mark.parametrize("name", ["", "nowhere", "runs/village"])
def test_a_folder_that_is_no_run_is_told(canbao: Invoke, tmp_path: Path, name: str) -> None:
    """A folder without a run is exit code 1 and one line with an example; nothing is written."""
    (tmp_path / "runs" / "village").mkdir(parents=True)
    before = _left(tmp_path)
    result = canbao("export", tmp_path / name, "--as", "xes", "--out", tmp_path / "out")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert "results/city-season/" in result.stderr
    assert _left(tmp_path) == before


def test_a_damaged_table_is_told(canbao: Invoke, run: Path, tmp_path: Path) -> None:
    """A table that is not the one that was stored is exit code 1 and one line, and nothing is written."""
    (run / "visits.parquet").write_bytes(b"PAR1")
    result = canbao("export", run, "--as", "csv", "--out", tmp_path / "out" / "events.csv")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "visits.parquet is damaged" in result.stderr
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten_unasked(canbao: Invoke, run: Path, tmp_path: Path) -> None:
    """A file that is there is exit code 2 and one line that names --force, and with it the file is replaced."""
    out = tmp_path / "events.csv"
    out.write_text("mine")
    result = canbao("export", run, "--as", "csv", "--out", out)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "is there already; choose another place with --out, or overwrite it with --force" in result.stderr
    assert out.read_text() == "mine"
    assert canbao("export", run, "--as", "csv", "--out", out, "--force").exit_code == 0
    assert out.read_text(encoding="utf-8").startswith("case,")


_SMALL_DISK = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
"""


@pytest.mark.parametrize("form", ["xes", "csv", "vidigi", "tables"])
def test_a_full_disk_is_one_line(start: Start, run: Path, tmp_path: Path, form: str) -> None:
    """Where there is no space for a file, the exit code is 1, one line says so, and nothing is left."""
    before = _left(tmp_path)
    process = start("export", run, "--as", form, "--out", tmp_path / "new" / "out", before=_SMALL_DISK)
    stdout, stderr = process.communicate()
    assert (process.returncode, stdout, stderr.count("\n")) == (1, "", 1)
    assert "no space for" in stderr
    assert _left(tmp_path) == before


def test_an_interrupted_export_leaves_nothing(
    canbao: Invoke, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C is exit code 130, and no part of a file is left."""
    from canbao import exports

    name, write = exports.FORMS["xes"]

    def interrupted(order: Any, path: Path) -> NoReturn:
        write(order, path)
        raise KeyboardInterrupt

    monkeypatch.setitem(exports.FORMS, "xes", (name, interrupted))  # type: ignore[arg-type]
    before = _left(tmp_path)
    assert canbao("export", run, "--as", "xes", "--out", tmp_path / "new" / "out").exit_code == 130
    assert _left(tmp_path) == before
