"""Region files: every fault with place and remedy, what a scenario puts over a region, copies with a run."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.errors import Fault, ScenarioError
from canbao.plugins import Plugins, load_plugins
from canbao.runs import run_scenario
from canbao.scenario.scenario import ScenarioFile, load_scenario, scenario_schema
from canbao.scenario.source import read_scenario
from canbao.testing import small_scenario
from canbao_plugins.policies import REGIONS, Region
from canbao_plugins.policies.listing import main, overview, values_of
from canbao_plugins.policies.reading import read_region

WHOLE = """\
title = "A city"
insurance_year = 2026
start = 2025-12-01
deadline = 2025-12-20
subsidy = 700
long_term_care = 10
newborn_days = 30
newborn_both_years = false

[fees]
ordinary = 400
low_income = 1
extremely_poor = 2
severely_disabled = 3
orphan = 4
out_of_poverty = 5
monitored = 6

[waiting]
months = 2
further_months = 0
since = 2025
exempt = ["newborn"]

[papers]
newborn = ["birth_certificate"]
pre_school = []
pupil = ["photo"]
elsewhere = ["residence_proof"]

[refund]
before_benefits_only = false
least_working_days = 5
most_working_days = 6
"""
"""A region file that says everything itself."""


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Give the built-in plugins, without the report, which takes longer than a run."""
    loaded = load_plugins(environment={"CANBAO_NO_PLUGINS": "1"})
    return replace(loaded, tables={**loaded.tables, "reporters": {}})


def _region(folder: Path, text: str) -> Path:
    path = folder / "my-city.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _faults(folder: Path, text: str) -> tuple[Fault, ...]:
    with pytest.raises(ScenarioError) as refused:
        read_region(str(_region(folder, text)))
    assert all(Path(fault.file).name == "my-city.toml" for fault in refused.value.faults)
    return refused.value.faults


def _line(text: str, start: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if line.startswith(start))


# --- a region file by itself ------------------------------------------------------------------------------------------


def test_a_file_that_says_everything_extends_nothing(tmp_path: Path) -> None:
    """Each value is its own."""
    region = Region.model_validate({"kind": "region", "file": str(_region(tmp_path, WHOLE))})
    assert (region.title, region.newborn_days, region.fees.monitored) == ("A city", 30, 6)
    assert {item.region for item in region.evidence} == {"my-city"}
    assert region.needed_papers("pupil", "elsewhere") == ("photo", "residence_proof")


def test_a_file_that_changes_is_read_anew(tmp_path: Path) -> None:
    """Only built-in regions are remembered, which nobody changes."""
    fees = []
    for fee in (150, 160):
        path = _region(tmp_path, f'extends = "yuxi-2026"\ntitle = "Next door"\n[fees]\nmonitored = {fee}\n')
        fees.append(Region.model_validate({"kind": "region", "file": str(path)}).fees.monitored)
    assert fees == [150, 160]


def test_a_file_that_extends_a_region_says_only_what_differs(tmp_path: Path) -> None:
    """Tables are put together key by key; what is not said holds as in the region extended."""
    path = _region(tmp_path, 'extends = "yuxi-2026"\ntitle = "Next door"\n[fees]\nmonitored = 150 # B: press\n')
    region, yuxi = Region.model_validate({"kind": "region", "file": str(path)}), Region.named("yuxi-2026")
    assert region.fees == yuxi.fees.model_copy(update={"monitored": 150})
    assert (region.start, region.waiting, region.papers) == (yuxi.start, yuxi.waiting, yuxi.papers)
    said = {item.key: (item.region, item.grade, item.source) for item in region.evidence}
    assert said["fees.monitored"] == ("my-city", "B", "press")
    assert said["fees.low_income"] == ("yuxi-2026", "B", "low income, 2026")
    assert said["waiting.months"][0] == "national-2025"


@pytest.mark.parametrize(
    ("old", "new", "key", "problem", "given", "allowed", "hint"),
    [
        ("insurance_year = 2026", "insurance_year = 26", "insurance_year", "is too small", "26", "at least 2000", ""),
        ("start = 2025-12-01", "start = 2024-12-01", "start", "lies neither in", "2024-12-01", "2025 or 2026", ""),
        ("start = 2025-12-01", 'start = "soon"', "start", "is text where a date", '"soon"', "a date such as", ""),
        (
            "deadline = 2025-12-20",
            "deadline = 2025-11-30",
            "deadline",
            "before the start",
            "2025-11-30",
            "2025-12-01",
            "",
        ),
        (
            "deadline = 2025-12-20",
            "deadline = 2027-01-01",
            "deadline",
            "behind the insur",
            "2027-01-01",
            "2026-12-31",
            "",
        ),
        ("subsidy = 700", "subsidy = -1", "subsidy", "is too small", "-1", "at least 0", ""),
        ("subsidy = 700", "subsidie = 700", "subsidie", "no such key", "", "subsidy", "did you mean subsidy?"),
        (
            "long_term_care = 10",
            "long_term_care = 401",
            "long_term_care",
            "more than the fee",
            "401",
            "at most 400",
            "",
        ),
        ("newborn_days = 30", "newborn_days = 400", "newborn_days", "is too large", "400", "at most 366", ""),
        (
            "newborn_days = 30",
            "newborn_days = 30.5",
            "newborn_days",
            "decimal number where",
            "30.5",
            "whole number",
            "",
        ),
        (
            "newborn_both_years = false",
            "newborn_both_years = 0",
            "newborn_both_years",
            "is a whole",
            "0",
            "true or",
            "",
        ),
        ("low_income = 1", "low_income = 401", "fees.low_income", "more than an ordinary", "401", "at most 400", ""),
        ("low_income = 1", "lowincome = 1", "fees.lowincome", "no such key", "", "low_income", "did you mean low_inc"),
        ("ordinary = 400", "ordinary = true", "fees.ordinary", "is true or false where", "true", "a number", ""),
        ("months = 2", "months = 61", "waiting.months", "is too large", "61", "at most 60", ""),
        (
            'exempt = ["newborn"]',
            'exempt = ["newbron"]',
            "waiting.exempt.0",
            "not one",
            '"newbron"',
            '"pupil"',
            "newborn",
        ),
        ('pupil = ["photo"]', 'pupil = ["foto"]', "papers.pupil.0", "not one of", '"foto"', '"photo"', "photo"),
        ('pupil = ["photo"]', 'pupil = "photo"', "papers.pupil", "is text where a list", '"photo"', "a list", ""),
        (
            "most_working_days = 6",
            "most_working_days = 4",
            "refund.most_working_days",
            "is less",
            "4",
            "at least 5",
            "",
        ),
        ('title = "A city"', 'title = ""', "title", "too short", '""', "at least 1", ""),
        ('title = "A city"', 'title = "A city', "", "not TOML", 'title = "A city', "", ""),
    ],
)
def test_each_fault_of_a_region_file_is_told_with_its_place_and_its_remedy(
    old: str, new: str, key: str, problem: str, given: str, allowed: str, hint: str, tmp_path: Path
) -> None:
    """File, line, key, what was given, what is allowed and the nearest name; a key that was misspelt is missing too."""
    text = WHOLE.replace(old, new)
    fault = next(fault for fault in _faults(tmp_path, text) if fault.key == key)
    assert fault.line == _line(text, new)
    assert problem in fault.problem
    assert fault.given == given
    assert allowed in fault.allowed
    assert hint in fault.hint


@pytest.mark.parametrize("key", ["title", "insurance_year", "deadline", "subsidy", "newborn_days"])
def test_a_key_that_no_file_says_is_missing(key: str, tmp_path: Path) -> None:
    """A file that extends nothing must say everything."""
    text = "".join(line for line in WHOLE.splitlines(keepends=True) if not line.startswith(f"{key} = "))
    (fault,) = _faults(tmp_path, text)
    assert (fault.key, fault.problem, fault.line) == (key, "is missing", None)


def test_all_faults_of_a_region_file_are_told_at_once(tmp_path: Path) -> None:
    """In the order of the file."""
    text = (
        'extends = "national-2026"\ndeadline = 2025-01-01\nnewborn_day = 3\nsubsidy = "x"\n'
        '[fees]\nlow_income = 600\norphan = -1\n[papers]\npupil = ["foto"]\n'
    )
    told = [(fault.line, fault.key) for fault in _faults(tmp_path, text)]
    keys = ["deadline", "newborn_day", "subsidy", "fees.low_income", "fees.orphan", "papers.pupil.0"]
    assert told == list(zip([2, 3, 4, 6, 7, 9], keys, strict=True))


@pytest.mark.parametrize(
    ("extends", "problem", "hint"),
    [
        ('"national-2027"', "is none of the names", 'did you mean "national-2026"?'),
        ('"my-base.toml"', "is none of the names", ""),
        ("3", "is none of the names", ""),
        ('""', "is none of the names", ""),
    ],
)
def test_a_region_file_extends_a_built_in_region_by_name(extends: str, problem: str, hint: str, tmp_path: Path) -> None:
    """And nothing else, so that the copy that a run keeps is whole."""
    (tmp_path / "my-base.toml").write_text(WHOLE, encoding="utf-8")
    (fault,) = _faults(tmp_path, f"extends = {extends}\n")
    assert (fault.line, fault.key) == (1, "extends")
    assert problem in fault.problem
    assert hint in fault.hint
    assert "national-2026" in fault.allowed


def test_files_are_extended_by_path_where_no_names_are_given(tmp_path: Path) -> None:
    """Scenarios go on extending by path, even one whose file is called like a region."""
    (tmp_path / "national-2026").write_text("a = 1\nb = 1\n", encoding="utf-8")
    (tmp_path / "top.toml").write_text('extends = "national-2026"\nb = 2\n', encoding="utf-8")
    assert read_scenario(tmp_path / "top.toml").data == {"a": 1, "b": 2}


# --- in a scenario ----------------------------------------------------------------------------------------------------


def _scenario(folder: Path, policy: str, plugins: Plugins, *overrides: str) -> ScenarioFile:
    """Load the small scenario with another policy, from a folder of its own."""
    from canbao.scenario.source import to_toml
    from canbao.testing import SMALL

    head = to_toml({key: value for key, value in SMALL.items() if key != "policy"})
    text = head + f'\n[policy]\nkind = "region"\n{policy}'
    (folder / "town.toml").write_text(text, encoding="utf-8")
    return load_scenario(folder / "town.toml", plugins, overrides)


def _told(folder: Path, policy: str, plugins: Plugins, *overrides: str) -> tuple[Fault, ...]:
    with pytest.raises(ScenarioError) as refused:
        _scenario(folder, policy, plugins, *overrides)
    return refused.value.faults


def test_a_file_is_looked_up_beside_the_scenario_that_names_it(tmp_path: Path, plugins: Plugins) -> None:
    """Also from a variant in another folder, which may change a key of it."""
    _region(tmp_path, WHOLE)
    _scenario(tmp_path, 'file = "my-city.toml"\nnewborn_days = 60\n', plugins)
    (tmp_path / "variants").mkdir()
    variant = tmp_path / "variants" / "short.toml"
    variant.write_text('extends = "../town.toml"\n[policy.fees]\norphan = 7\n', encoding="utf-8")
    policy: Any = load_scenario(variant, plugins).scenario.policy
    assert (policy.newborn_days, policy.fees.orphan, policy.fees.monitored) == (60, 7, 6)
    assert Path(policy.file).samefile(tmp_path / "my-city.toml")


@pytest.mark.parametrize(
    ("policy", "key", "problem", "hint"),
    [
        ('region = "bejing-2026"', "policy.region", "there is no such region", 'did you mean "beijing-2026"?'),
        ("region = 2026", "policy.region", "there is no such region", ""),
        ("newborn_days = 60", "policy.region", "is missing", 'region = "national-2026"'),
        ('region = "yuxi-2026"\nfile = "my-city.toml"', "policy.file", "stands beside a region", 'region = ""'),
        ('file = "your-city.toml"', "policy.file", "names a file that is not there", ""),
        ('file = "a\\u0001"', "policy.file", "names a file that is not there", ""),
        ("file = 3", "policy.file", "does not name a file", ""),
    ],
)
def test_a_region_that_is_not_there_is_a_fault_of_the_scenario(
    policy: str, key: str, problem: str, hint: str, tmp_path: Path, plugins: Plugins
) -> None:
    """With the line, the regions that there are, and the nearest name."""
    _region(tmp_path, WHOLE)
    (fault,) = _told(tmp_path, policy, plugins)
    assert (Path(fault.file).name, fault.key) == ("town.toml", key)
    assert problem in fault.problem
    assert hint in fault.hint
    assert ("taian-2026" in fault.allowed) == (key == "policy.region")


def test_an_inherited_region_is_left_out_by_an_empty_name(tmp_path: Path, plugins: Plugins) -> None:
    """So a variant may go from a built-in region to a file and back."""
    _region(tmp_path, WHOLE)
    _scenario(tmp_path, 'region = "yuxi-2026"\nstart = 2025-12-01\ndeadline = 2025-12-20\n', plugins)
    variant = tmp_path / "own.toml"
    variant.write_text('extends = "town.toml"\n[policy]\nregion = ""\nfile = "my-city.toml"\n', encoding="utf-8")
    policy: Any = load_scenario(variant, plugins).scenario.policy
    assert policy.title == "A city"


def test_faults_of_the_region_file_and_of_the_scenario_are_told_at_once(tmp_path: Path, plugins: Plugins) -> None:
    """Each in the file in which it stands."""
    _region(tmp_path, 'extends = "national-2026"\nsubsidie = 3\n[fees]\norphan = 500\n')
    told = _told(tmp_path, 'file = "my-city.toml"\n', plugins, "review.mismatch=3")
    places = {(Path(fault.file).name, fault.line, fault.key) for fault in told}
    assert places == {
        ("my-city.toml", 2, "subsidie"),
        ("my-city.toml", 4, "fees.orphan"),
        ("--set", None, "review.mismatch"),
    }


def test_a_value_of_the_scenario_is_held_against_those_of_the_region(tmp_path: Path, plugins: Plugins) -> None:
    """The fault stands where the scenario says it, or at its policy where the two do not fit together."""
    policy = 'region = "beijing-2026"\ndeadline = 2025-11-29\n[policy.fees]\norphan = 436\n'
    faults = _told(tmp_path, policy, plugins)
    assert [fault.key for fault in faults] == ["policy.deadline", "policy.fees.orphan"]
    assert [fault.allowed for fault in faults] == ["a date from 2025-11-30 on", "at most 435"]
    (fault,) = _told(tmp_path, 'region = "beijing-2026"\ninsurance_year = 2030\n', plugins)
    text = (tmp_path / "town.toml").read_text(encoding="utf-8")
    assert (fault.key, fault.line) == ("policy.start", _line(text, "[policy]"))


def test_a_key_that_no_region_has_is_told_with_the_nearest(tmp_path: Path, plugins: Plugins) -> None:
    """In the scenario as in a region file."""
    (fault,) = _told(tmp_path, 'region = "beijing-2026"\nnewborn_day = 60\n', plugins)
    assert (fault.problem, fault.hint) == ("there is no such key here", "did you mean newborn_days?")


@given(st.sampled_from(sorted(REGIONS)), st.integers(0, 366), st.integers(0, 435).map(float), st.booleans())
def test_whatever_a_scenario_says_holds_over_the_region(name: str, days: int, orphan: float, both: bool) -> None:
    """What it says is what holds, what it does not say is as in the region."""
    region, base = {"kind": "region", "region": name}, Region.named(name)
    orphan = math.floor(min(orphan, base.fees.ordinary))
    changes = {"newborn_days": days, "newborn_both_years": both, "fees": {"orphan": orphan}}
    policy = Region.model_validate({**region, **changes})
    assert policy.model_dump() == {
        **base.model_dump(),
        **changes,
        "fees": {**base.fees.model_dump(), "orphan": orphan},
    }


# --- evidence in a scenario -------------------------------------------------------------------------------------------


def test_the_scenario_lists_the_evidence_of_its_region(tmp_path: Path, plugins: Plugins) -> None:
    """Grades of the region file are among those of the scenario; what the scenario says itself has its own grade."""
    more = "newborn_days = 60 # D: counted\nsubsidy = 800\n"
    file = _scenario(tmp_path, f'region = "national-2026"\n{more}', plugins)
    grades = {key: grade for key, grade in file.grades().items() if key.startswith("policy.")}
    assert (grades["policy.newborn_days"], grades["policy.fees.ordinary"]) == ("D", "B")
    assert "policy.subsidy" not in grades
    assert {"policy.start", "policy.deadline"} <= set(file.estimates())
    assert "policy.waiting.months" not in file.estimates()


# --- with a run -------------------------------------------------------------------------------------------------------


def test_a_run_keeps_a_copy_of_the_region_file_and_runs_again(tmp_path: Path, plugins: Plugins) -> None:
    """Also where the file extends a built-in region, and after the original is gone."""
    text = 'extends = "yuxi-2026"\ntitle = "Next door"\nstart = 2025-12-01\ndeadline = 2025-12-20\n'
    path = _region(tmp_path, text)
    changes = {"population": {"residents": 100}, "policy": {"kind": "region", "file": str(path), "newborn_days": 60}}
    file = small_scenario(changes, plugins)
    run = run_scenario(file, plugins, out=tmp_path / "results", now=dt.datetime(2026, 1, 1))
    path.unlink()
    assert (run.folder / "inputs" / "my-city.toml").read_text(encoding="utf-8") == text
    again: Any = load_scenario(run.folder / "scenario.toml", plugins).scenario.policy
    first: Any = file.scenario.policy
    assert again.model_dump(exclude={"file"}) == first.model_dump(exclude={"file"})
    assert again.evidence == first.evidence


# --- for editors ------------------------------------------------------------------------------------------------------


def test_the_schema_asks_for_nothing_that_the_region_says(plugins: Plugins) -> None:
    """An editor is content with a region and one changed key of a table, and not with a key that does not exist."""
    definitions = {k: v for k, v in scenario_schema(plugins)["$defs"].items() if k.startswith("policies.region")}
    part = {"$ref": "#/$defs/policies.region", "$defs": definitions}
    jsonschema.validate({"kind": "region", "region": "yuxi-2026", "fees": {"orphan": 3}}, part)
    jsonschema.validate({"kind": "region", "file": "my-city.toml", "papers": {"pupil": ["photo"]}}, part)
    for wrong in ({"region": "yuxi-2026"}, {"kind": "region", "fees": {"orphans": 3}}, {"kind": "region", "day": 3}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, part)


# --- the list of regions ----------------------------------------------------------------------------------------------


def test_the_list_has_a_row_for_each_region(capsys: pytest.CaptureFixture[str]) -> None:
    """With its dates and fees."""
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(REGIONS)
    assert overview("beijing-2026")["collection"] == "2025-11-30 to 2026-02-28"
    assert "435" in next(line for line in lines if line.startswith("beijing-2026"))


def test_a_region_is_shown_with_the_evidence_of_each_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A built-in region or a file, and who says each value."""
    path = _region(tmp_path, 'extends = "beijing-2026"\ntitle = "Mine"\nnewborn_days = 60 # B: press\n')
    assert main(["yuxi-2026", str(path)]) == 0
    out = capsys.readouterr().out
    assert "fees.monitored" in out
    assert "my-city:3" in out
    assert [item.value for item in values_of(str(path)) if item.key == "newborn_days"] == [60]


def test_the_list_is_there_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON: a region, its values, each with grade and source."""
    import json

    assert main(["--json", "taian-2026"]) == 0
    (region,) = json.loads(capsys.readouterr().out)
    assert region["region"] == "taian-2026"
    values = {item["key"]: item for item in region["values"]}
    assert (values["fees.ordinary"]["value"], values["fees.ordinary"]["grade"]) == (390, "B")
    assert values["subsidy"]["region"] == "national-2026"
    assert main(["--json"]) == 0
    assert [entry["region"] for entry in json.loads(capsys.readouterr().out)] == list(REGIONS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["yuxi-2025"], "there is no region 'yuxi-2025'; there are beijing-2026"),
        (["yuxi-2025"], "did you mean yuxi-2026?"),
        (["nowhere.toml"], "there is no such file"),
        (["--yaml"], "No such option"),
    ],
)
def test_a_wrong_call_ends_with_what_is_wrong(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And with exit code 2, as everywhere."""
    assert main(arguments) == 2
    assert said in capsys.readouterr().err
