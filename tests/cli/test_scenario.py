"""`canbao scenario`: new, check, show, schema."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import Result

Invoke = Callable[..., Result]
AnswerOf = Callable[[Result], Any]


# --- new --------------------------------------------------------------------------------------------------------------


def test_a_new_file_passes_the_check(canbao: Invoke, tmp_path: Path) -> None:
    """A starter file is written under the name that was given, and has no fault."""
    result = canbao("scenario", "new", tmp_path / "my-district")
    path = tmp_path / "my-district.toml"
    assert (result.exit_code, result.stdout.strip()) == (0, str(path))
    assert tomllib.loads(path.read_text())["title"] == "My district"
    assert canbao("scenario", "check", path).output == f"{path}: ok\n"


def test_a_new_file_runs_and_answers(canbao: Invoke, tmp_path: Path) -> None:
    """A starter file runs to the end, with objectives to judge."""
    canbao("scenario", "new", tmp_path / "district.toml")
    result = canbao("run", tmp_path / "district.toml", "--out", tmp_path, "--set", "population.scale=0.05", "--json")
    assert result.exit_code in (0, 3)
    said = json.loads(result.stdout)
    assert len(said["objectives"]) >= 4
    assert all(objective["held"] is not None for objective in said["objectives"])


def test_every_number_of_a_new_file_says_how_good_it_is(canbao: Invoke, tmp_path: Path) -> None:
    """Each line with a number that describes the world ends with its grade of evidence."""
    canbao("scenario", "new", tmp_path / "district")
    technical = ("format", "seed", "scale", "end = 2026-01-31", "start = 2025-09-01\nend")
    for line in (tmp_path / "district.toml").read_text().splitlines():
        key, _, value = line.partition(" = ")
        value, _, comment = value.partition(" # ")
        numeric = value[:1].isdigit() and len(value) != len("2025-09-01")
        if numeric and not key.startswith("#") and key not in technical:
            assert comment[:2] in ("A:", "B:", "C:", "D:", "V:", "E:"), line


def test_a_new_file_overwrites_only_by_force(canbao: Invoke, tmp_path: Path) -> None:
    """A file that is there stays as it is, unless --force says otherwise."""
    (tmp_path / "mine.toml").write_text("mine")
    result = canbao("scenario", "new", tmp_path / "mine")
    assert result.exit_code == 2
    assert "mine.toml is there already" in result.stderr
    assert "--force" in result.stderr
    assert (tmp_path / "mine.toml").read_text() == "mine"
    assert canbao("scenario", "new", tmp_path / "mine", "--force").exit_code == 0
    assert (tmp_path / "mine.toml").read_text() != "mine"


@pytest.mark.parametrize("name", ['it\'s "my" district', "常熟", "a\\b", "-", "x" * 100])
def test_any_name_gives_a_file_that_passes(canbao: Invoke, tmp_path: Path, name: str) -> None:
    """Whatever a file is called, its title is that name and the file passes the check."""
    canbao("scenario", "new", tmp_path / name)
    assert canbao("scenario", "check", tmp_path / f"{name}.toml").exit_code == 0


def test_a_new_file_in_no_folder_is_told(canbao: Invoke, tmp_path: Path) -> None:
    """Where the folder is missing, one line says so."""
    result = canbao("scenario", "new", tmp_path / "nowhere" / "a")
    assert result.exit_code == 1
    assert "cannot be written: No such file or directory" in result.stderr


# --- check ------------------------------------------------------------------------------------------------------------


def test_all_faults_come_at_once_with_their_places(canbao: Invoke, scenario: Path) -> None:
    """Each fault is printed with file, line, key, what was given, what is allowed and the nearest known name."""
    text = (
        scenario.read_text().replace('kind = "portal"', 'kind = "portel"').replace("residents = 300", "residents = 3.5")
    )
    scenario.write_text(text + "\n[objectiv]\n")
    numbers = {line: number for number, line in enumerate(scenario.read_text().splitlines(), 1)}
    result = canbao("scenario", "check", scenario)
    assert (result.exit_code, result.stdout) == (2, "")
    said = result.stderr
    assert f"{scenario}:{numbers['residents = 3.5']}: population.residents: is a decimal number where" in said
    kind = numbers['kind = "portel"']
    assert f"{scenario}:{kind}: channels.portal.kind: there is no such kind" in said
    assert 'did you mean "portal"?' in said
    assert f"{scenario}:{numbers['[objectiv]']}: objectiv: there is no such key here" in said
    assert "did you mean objectives?" in said
    assert said.endswith(f"{scenario}: 3 faults\n")


def test_several_files_are_checked_in_one_call(canbao: Invoke, scenario: Path, tmp_path: Path) -> None:
    """Good files are said to be ok even where another one is bad; the exit code tells that one is."""
    (tmp_path / "bad.toml").write_text("format = 2\n")
    result = canbao("scenario", "check", tmp_path / "bad.toml", scenario)
    assert result.exit_code == 2
    assert result.stdout == f"{scenario}: ok\n"
    assert f"{tmp_path / 'bad.toml'}:1: format: " in result.stderr


def test_check_speaks_json(canbao: Invoke, scenario: Path, tmp_path: Path, answer_of: AnswerOf) -> None:
    """`--json` gives each file with its faults, field by field."""
    (tmp_path / "bad.toml").write_text(scenario.read_text().replace("format = 1", "format = 2"))
    result = canbao("scenario", "check", scenario, tmp_path / "bad.toml", "--json")
    good, bad = answer_of(result)
    assert (result.exit_code, result.stderr) == (2, "")
    assert good == {"file": str(scenario), "ok": True, "faults": []}
    assert bad["ok"] is False
    fault = bad["faults"][0]
    assert (fault["line"], fault["key"], fault["given"]) == (1, "format", "2")


def test_overrides_are_checked_too(canbao: Invoke, scenario: Path) -> None:
    """A value from the command line is checked like one from the file, and named as such."""
    assert canbao("scenario", "check", scenario, "--set", "population.scale=0.1").exit_code == 0
    result = canbao("scenario", "check", scenario, "--set", "population.scale=-1")
    assert result.exit_code == 2
    assert result.stderr.startswith("--set: population.scale: ")


@pytest.mark.parametrize(
    ("start", "end", "key"),
    [("2027-01-01", "2027-02-01", "start"), ("1999-01-01", "1999-02-01", "start"), ("2026-12-01", "2027-01-31", "end")],
)
def test_dates_past_the_known_calendar_come_with_a_remedy(
    canbao: Invoke, scenario: Path, start: str, end: str, key: str
) -> None:
    """Where it is not known whether offices work, the message names the line of the horizon and says what to list."""
    text = scenario.read_text().replace("start = 2025-12-01\nend = 2026-01-31", f"start = {start}\nend = {end}")
    scenario.write_text(text)
    date = start if key == "start" else end
    line = text.splitlines().index(f"{key} = {date}") + 1
    result = canbao("scenario", "check", scenario)
    assert result.exit_code == 2
    assert f"{scenario}:{line}: horizon.{key}: " in result.stderr
    assert date[:4] in result.stderr
    assert "known_years" in result.stderr


# --- show -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def variant(scenario: Path) -> Path:
    """Give a scenario that extends another."""
    path = scenario.with_name("variant.toml")
    path.write_text(
        f'extends = "{scenario.name}"\ntitle = "Variant"\n\n[channels.portal]\nslots = 8 # E: twice as many\n'
    )
    return path


def test_show_says_where_each_value_comes_from(canbao: Invoke, scenario: Path, variant: Path) -> None:
    """The resolved scenario is TOML; behind each value stand its file and line, grades of evidence first."""
    result = canbao("scenario", "show", variant, "--set", "seed=4")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert f'title = "Variant"  # {variant}:2' in lines
    assert f"slots = 8  # E: twice as many ({variant}:5)" in lines
    assert "seed = 4  # --set" in lines
    residents = next(number for number, line in enumerate(scenario.read_text().splitlines(), 1) if "residents" in line)
    assert f"residents = 300  # {scenario}:{residents}" in lines


def test_show_gives_a_scenario_that_is_the_same(canbao: Invoke, variant: Path, tmp_path: Path) -> None:
    """What is shown is a scenario file with the same values, that extends nothing."""
    path = tmp_path / "shown.toml"
    path.write_text(canbao("scenario", "show", variant).stdout)
    shown, given = (json.loads(canbao("scenario", "show", p, "--json").stdout) for p in (path, variant))
    assert shown["scenario"] == given["scenario"]
    assert shown["files"] == [str(path)]
    assert "extends" not in shown["scenario"]


def test_show_speaks_json(canbao: Invoke, scenario: Path, variant: Path, answer_of: AnswerOf) -> None:
    """`--json` gives the values, the files, and for each dotted key its file and line."""
    said = answer_of(canbao("scenario", "show", variant, "--json"))
    assert said["files"] == [str(variant), str(scenario)]
    assert said["scenario"]["channels"]["portal"]["slots"] == 8
    assert said["places"]["channels.portal.slots"] == {"file": str(variant), "line": 5}
    assert said["scenario"]["horizon"]["start"] == "2025-12-01"


def test_show_needs_no_plugin(canbao: Invoke, scenario: Path) -> None:
    """A scenario whose plugin is missing can still be shown."""
    scenario.write_text(scenario.read_text().replace('kind = "portal"', 'kind = "kiosk"'))
    assert 'kind = "kiosk"' in canbao("scenario", "show", scenario).stdout


# --- schema -----------------------------------------------------------------------------------------------------------


def test_the_schema_accepts_what_the_check_accepts(canbao: Invoke, scenario: Path, answer_of: AnswerOf) -> None:
    """The JSON Schema is a valid one; the small scenario fits it, and a misspelt key and a wrong kind do not."""
    schema = answer_of(canbao("scenario", "schema"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    data = json.loads(json.dumps(tomllib.loads(scenario.read_text()), default=str))
    assert list(validator.iter_errors(data)) == []
    assert not validator.is_valid({**data, "titel": "x"})
    assert not validator.is_valid({**data, "population": {"kind": "town"}})
    assert not validator.is_valid({**data, "population": {**data["population"], "residents": -1}})


def test_the_schema_goes_into_a_file(canbao: Invoke, tmp_path: Path) -> None:
    """`--out` writes the schema that would be printed, and prints the path."""
    path = tmp_path / "scenario.schema.json"
    assert canbao("scenario", "schema", "--out", path).stdout == f"{path}\n"
    assert path.read_text() == canbao("scenario", "schema").stdout
    assert canbao("scenario", "schema", "--out", tmp_path / "no" / "a.json").exit_code == 1


def test_every_reference_of_the_schema_leads_somewhere(canbao: Invoke, answer_of: AnswerOf) -> None:
    """Each $ref of the schema names a definition that is there."""
    schema = answer_of(canbao("scenario", "schema"))

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            here = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return here + [found for value in node.values() for found in references(value)]
        return [found for value in node for found in references(value)] if isinstance(node, list) else []

    found = set(references(schema))
    assert found
    assert {reference.removeprefix("#/$defs/") for reference in found} <= set(schema["$defs"])
