"""The scenario file as a whole: what it means, every fault with its place, the schema, the grades of evidence."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jsonschema
import numpy as np
import pytest
from pydantic import Field
from scipy import stats

from canbao.arrays import FloatArray
from canbao.distributions import Distribution
from canbao.errors import Fault, ScenarioError
from canbao.plugins import Plugins, load_plugins
from canbao.scenario.durations import BUILT_IN
from canbao.scenario.models import Settings
from canbao.scenario.quantities import Duration
from canbao.scenario.scenario import ScenarioFile, load_scenario, models_of, scenario_schema
from canbao.testing.district import registered_also

SHIPPED = sorted((Path(__file__).parents[2] / "scenarios").glob("*.toml"))

TEXT = """\
format = 1
title = "A town"
seed = 3

[horizon]
start = 2025-10-01
end = 2025-12-31

[population]
kind = "city"
residents = 1_000 # D: counted

[policy]
kind = "collection"
start = 2025-10-01
deadline = 2025-12-20
newborn_days = 90 # B: ninety days

[demand]
kind = "season"
opening_days = 7 # E: a guess

[choice]
kind = "preference"
online_share = 0.5 # B: a survey

[behaviour]
tries = 3

[channels.hall]
kind = "office"
service = { kind = "lognormal", mean = "8 min", cv = 0.6 } # E: a guess

[channels.hall.sites.centre]
staff = 2
[[channels.hall.sites.centre.shifts]]
staff = 4
start = 2025-12-18
end = 2025-12-20

[channels.web]
kind = "portal"
slots = 4

[review]
mismatch = 0.03 # E: a guess
[review.acceptance]
staff = 2
[review.first]
staff = 3
service = { kind = "fixed", value = "4 min" }
[review.second]
staff = 1

[objectives.promise]
kind = "review"
within = 3
at_least = 0.95
channels = ["web"]
[objectives.wait]
kind = "wait"
channel = "hall"
at_most = "30 min"
"""


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Find the plugins once."""
    return load_plugins()


def _load(folder: Path, text: str, plugins: Plugins, *overrides: str) -> ScenarioFile:
    path = folder / "town.toml"
    path.write_text(text, encoding="utf-8")
    return load_scenario(path, plugins, overrides)


def _faults(folder: Path, text: str, plugins: Plugins, *overrides: str) -> tuple[Fault, ...]:
    with pytest.raises(ScenarioError) as refused:
        _load(folder, text, plugins, *overrides)
    return refused.value.faults


def test_a_file_means_what_it_says(tmp_path: Path, plugins: Plugins) -> None:
    """Values are in seconds and numbers, what is not given has its default, and the calendar is looked up."""
    file = _load(tmp_path, TEXT, plugins)
    scenario: Any = file.scenario
    assert file.name == "town"
    assert scenario.seed == 3
    assert file.horizon.days == 92
    assert file.working.sum() == 18 + 20 + 23  # October from the 9th with a Saturday, November, December
    assert scenario.channels["hall"].service.mean == 480.0
    assert scenario.channels["hall"].sites["centre"].hours == ((30_600.0, 43_200.0), (50_400.0, 63_000.0))
    assert scenario.review.first.service.build().mean == 240.0
    assert scenario.objectives["wait"].at_most == 1800.0
    assert scenario.objectives["wait"].share == 0.9
    assert scenario.behaviour.tries == 3
    assert scenario.behaviour.persist == 0.9


# --- faults, each with its place ---


@dataclass(frozen=True)
class _Slip:
    """A line of the file, what somebody wrote instead, and what is said about it."""

    line: str
    wrong: str
    key: str
    problem: str
    given: str = ""
    allowed: str = ""
    hint: str = ""
    at: str = ""
    """What stands in the line of the fault, if it is not the key."""


SLIPS: dict[str, _Slip] = {
    "format": _Slip("format = 1", "format = 2", "format", "is not one of the allowed values", "2", "1"),
    "title": _Slip('title = "A town"', 'title = ""', "title", "is too short a text", '""', "at least 1"),
    "misspelt key": _Slip("seed = 3", "sead = 3", "sead", "there is no such key here", hint="did you mean seed?"),
    "horizon": _Slip(
        "end = 2025-12-31",
        "end = 2025-09-01",
        "horizon.end",
        "is before the start",
        "2025-09-01",
        "a date at or after start",
    ),
    "horizon too long": _Slip(
        "end = 2025-12-31", "end = 2040-12-31", "horizon.end", "is more than five years after the start"
    ),
    "horizon with a time": _Slip(
        "end = 2025-12-31",
        "end = 2025-12-31T12:00:00",
        "horizon.end",
        "is a date with a time where a date is needed",
        "2025-12-31 12:00:00",
        "a date such as 2025-12-31",
    ),
    "beyond the known calendar": _Slip(
        "end = 2025-12-31",
        "end = 2027-01-31",
        "horizon.end",
        "it is not known on which days offices work in 2027",
        hint="list working days and holidays of 2027 under [calendar]",
    ),
    "before the known calendar": _Slip(
        "start = 2025-10-01\nend = 2025-12-31",
        "start = 2003-01-01\nend = 2005-12-31",
        "horizon.start",
        "it is not known on which days offices work in 2003",
    ),
    "population": _Slip(
        "residents = 1_000", "residents = -5", "population.residents", "is too small", "-5", "at least 0"
    ),
    "population's kind": _Slip(
        'kind = "city"',
        'kind = "citty"',
        "population.kind",
        "there is no such kind",
        '"citty"',
        '"city"',
        'mean "city"?',
    ),
    "no kind": _Slip('kind = "season"', "", "demand.kind", "is missing", allowed='"season"', at="[demand]"),
    "policy": _Slip(
        "deadline = 2025-12-20",
        "deadline = 2025-09-20",
        "policy.deadline",
        "is before the start",
        "2025-09-20",
        "at or after",
    ),
    "policy's key": _Slip(
        "newborn_days = 90",
        "newborns_days = 90",
        "policy.newborns_days",
        "there is no such key",
        hint="mean newborn_days?",
    ),
    "demand": _Slip(
        "opening_days = 7", 'opening_days = "7"', "demand.opening_days", "is text where", '"7"', hint="without quotes"
    ),
    "choice": _Slip(
        "online_share = 0.5",
        "online_share = 50",
        "choice.online_share",
        "is not between 0 and 1",
        "50",
        "a share",
        '"50 %"',
    ),
    "behaviour": _Slip(
        "tries = 3", "tries = 2.5", "behaviour.tries", "is a decimal number where a whole number", "2.5"
    ),
    "channel's kind": _Slip(
        'kind = "office"',
        'kind = "ofice"',
        "channels.hall.kind",
        "there is no such kind",
        '"ofice"',
        '"office"',
        '"office"?',
    ),
    "channel's key": _Slip(
        "slots = 4", "slots = 4\nretrys = 2", "channels.web.retrys", "there is no such key here", hint="mean retry?"
    ),
    "distribution's kind": _Slip(
        '{ kind = "lognormal", mean = "8 min", cv = 0.6 }',
        '{ kind = "lognorm", mean = "8 min", cv = 0.6 }',
        "channels.hall.service.kind",
        "there is no such kind",
        '"lognorm"',
        '"weibull"',
        'did you mean "lognormal"?',
    ),
    "distribution without its unit": _Slip(
        'mean = "8 min"',
        "mean = 8",
        "channels.hall.service.mean",
        "has no unit",
        "8",
        'such as "8 min"',
        'write "8 min"',
    ),
    "distribution with two centres": _Slip(
        'mean = "8 min", cv',
        'mean = "8 min", median = "7 min", cv',
        "channels.hall.service",
        "needs a mean or a median",
    ),
    "site": _Slip(
        "staff = 2\n[[", 'hours = ["8-12"]\n[[', "channels.hall.sites.centre.hours", "'8-12' are not opening hours"
    ),
    "shift": _Slip(
        "end = 2025-12-20",
        "end = 2025-12-01",
        "channels.hall.sites.centre.shifts.0.end",
        "is before the start",
        "2025-12-01",
    ),
    "review": _Slip(
        "mismatch = 0.03", 'mismatch = "130 %"', "review.mismatch", "is more than 100 %", '"130 %"', "a share from 0"
    ),
    "stage": _Slip(
        "staff = 3", "staff = true", "review.first.staff", "is true or false where a whole number is needed", "true"
    ),
    "stage's duration": _Slip(
        'value = "4 min"',
        'value = "4 mins"',
        "review.first.service.value",
        'unknown unit "mins"',
        '"4 mins"',
        "ms",
        '"4 min"',
    ),
    "objective's kind": _Slip(
        'kind = "review"\nwithin',
        'kind = "reviews"\nwithin',
        "objectives.promise.kind",
        "no such kind",
        '"reviews"',
        "",
        '"review"?',
    ),
    "objective": _Slip("within = 3", "within = 0", "objectives.promise.within", "is too small", "0", "at least 1"),
    "objective's channels": _Slip(
        'channels = ["web"]',
        'channels = ["hall", "wed"]',
        "objectives.promise.channels",
        "names a channel that the scenario does not have",
        '"wed"',
        "hall, web",
        "did you mean 'web'?",
    ),
    "objective's channel": _Slip(
        'channel = "hall"',
        'channel = "halls"',
        "objectives.wait.channel",
        "names a channel that",
        '"halls"',
        "hall, web",
        "'hall'?",
    ),
    "a channel's name": _Slip(
        "[channels.web]", "[channels.again]", "channels.again", "is not a name that a channel can have"
    ),
}


@pytest.mark.parametrize("name", SLIPS)
def test_each_slip_is_told_with_file_line_key_and_remedy(name: str, tmp_path: Path, plugins: Plugins) -> None:
    """Where it is, what is wrong, what was given, what is allowed and what to do: all in one fault."""
    slip = SLIPS[name]
    assert slip.line in TEXT
    text = TEXT.replace(slip.line, slip.wrong, 1)
    if name == "a channel's name":
        text = text.replace('channels = ["web"]', "")
    if name == "site":
        text = text.replace("[channels.hall.sites.centre]", "[channels.hall.sites.centre]\nstaff = 2")
    faults = _faults(tmp_path, text, plugins)
    assert len(faults) == 1, faults
    (fault,) = faults
    assert fault.file == str(tmp_path / "town.toml")
    assert fault.key == slip.key
    assert slip.problem in fault.problem
    assert fault.given == slip.given or not slip.given
    assert slip.allowed in fault.allowed
    assert slip.hint in fault.hint
    last_key = slip.key.rpartition(".")[2]
    assert (slip.at or last_key) in text.splitlines()[(fault.line or 0) - 1]


def test_a_missing_part_is_told_for_the_table_that_lacks_it(tmp_path: Path, plugins: Plugins) -> None:
    """What must be there and is not has no line of its own; the file is named, and the key."""
    text = TEXT.replace("[review.second]\nstaff = 1\n", "").replace("staff = 2\n[[", "[[")
    keys = {fault.key: fault.problem for fault in _faults(tmp_path, text, plugins)}
    assert keys == {"review.second": "is missing", "channels.hall.sites.centre.staff": "is missing"}


def test_all_faults_of_a_file_are_told_at_once_in_order(tmp_path: Path, plugins: Plugins) -> None:
    """Nobody mends a file one fault at a time; they are listed from top to bottom."""
    together = (
        "misspelt key",
        "population",
        "policy",
        "demand",
        "choice",
        "channel's key",
        "review",
        "stage",
        "objective",
    )
    text = TEXT
    for name in together:
        text = text.replace(SLIPS[name].line, SLIPS[name].wrong, 1)
    faults = _faults(tmp_path, text, plugins)
    assert {fault.key for fault in faults} >= {SLIPS[name].key for name in together}
    lines = [fault.line or 0 for fault in faults]
    assert lines == sorted(lines)


def test_what_only_the_whole_file_shows_is_told_together(tmp_path: Path, plugins: Plugins) -> None:
    """Dates that nobody knows, a taken name and channels that are not there are told in one go."""
    text = TEXT.replace("end = 2025-12-31", "end = 2027-01-31").replace("[channels.web]", "[channels.review]")
    keys = [fault.key for fault in _faults(tmp_path, text, plugins)]
    assert keys == ["horizon.end", "channels.review", "objectives.promise.channels"]


def test_an_override_is_named_as_the_place(tmp_path: Path, plugins: Plugins) -> None:
    """What was given on the command line stands in no line of a file."""
    (fault,) = _faults(tmp_path, TEXT, plugins, "objectives.wait.channel=halls")
    assert (fault.file, fault.line, fault.key) == ("--set", None, "objectives.wait.channel")


@pytest.mark.parametrize("name", ["", "a/b", "start", "again", "review", "application", "approved", "none", "ends: x"])
def test_a_channel_cannot_have_a_name_that_the_network_uses(name: str, tmp_path: Path, plugins: Plugins) -> None:
    """Journeys around the channels have names of their own; the fault says which are free."""
    text = TEXT.replace("[channels.web]", f'[channels."{name}"]').replace('channels = ["web"]', "")
    (fault,) = _faults(tmp_path, text, plugins)
    assert "is not a name that a channel can have" in fault.problem
    assert "start, application, review, approved, again, failure, fee, notice, none" in fault.allowed
    assert fault.line == 1 + text[: text.index(f'[channels."{name}"]')].count("\n")


# --- the calendar's own lists ---


def test_a_scenario_may_list_the_days_of_a_year_that_is_not_announced(tmp_path: Path, plugins: Plugins) -> None:
    """With the lists of 2027 the horizon may reach into it; make-up days and holidays are as listed."""
    days = "[calendar]\nopen_dates = [2027-01-02]\nclosed_dates = [2027-01-01]\nknown_years = [2027]\n\n[population]"
    text = TEXT.replace("end = 2025-12-31", "end = 2027-01-04").replace("[population]", days)
    file = _load(tmp_path, text, plugins)
    last = dict(zip(file.horizon.dates(), file.working, strict=True))
    first_days = [bool(last[dt.date(2027, 1, day)]) for day in (1, 2, 3, 4)]
    assert first_days == [False, True, False, True]
    assert not file.saturdays[file.horizon.dates().index(dt.date(2027, 1, 2))]


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        (
            "open_dates = [2025-10-02]\nclosed_dates = [2025-10-02]",
            "2025-10-02: both in open_dates and in closed_dates",
        ),
        ("known_years = [2025]", "known_years names 2025, but no date of 2025"),
    ],
)
def test_lists_that_contradict_are_told_at_the_calendar(
    lists: str, said: str, tmp_path: Path, plugins: Plugins
) -> None:
    """The fault lies in the lists, not in the horizon."""
    text = TEXT.replace("[population]", f"[calendar]\n{lists}\n\n[population]")
    (fault,) = _faults(tmp_path, text, plugins)
    assert fault.key == "calendar"
    assert fault.problem.startswith(said)
    assert text.splitlines()[(fault.line or 0) - 1] == "[calendar]"


# --- durations ---


def _lognormal(mean: float, cv: float) -> Any:
    sigma = np.sqrt(np.log1p(cv**2))
    return stats.lognorm(s=sigma, scale=mean / np.sqrt(1 + cv**2))


DURATIONS: dict[str, tuple[dict[str, Any], Any]] = {
    "fixed": ({"value": "4 min"}, None),
    "exponential": ({"mean": "4 min"}, stats.expon(scale=240)),
    "lognormal": ({"mean": "4 min", "cv": 0.5}, _lognormal(240, 0.5)),
    "uniform": ({"low": "1 min", "high": "2 min"}, stats.uniform(60, 60)),
    "triangular": ({"low": "1 min", "mode": "90 s", "high": "3 min"}, stats.triang(0.25, 60, 120)),
    "erlang": ({"mean": "6 min", "phases": 3}, stats.gamma(3, scale=120)),
    "gamma": ({"mean": "6 min", "cv": 0.5}, stats.gamma(4, scale=90)),
    "weibull": ({"scale": "1 h", "shape": 1.5}, stats.weibull_min(1.5, scale=3600)),
}


def test_every_kind_of_duration_is_tried_here() -> None:
    """A new built-in kind needs a line in the table above."""
    assert set(DURATIONS) == set(BUILT_IN)


@pytest.mark.parametrize("kind", DURATIONS)
def test_durations_become_the_distributions_that_they_name(kind: str) -> None:
    """In seconds, with mean and quantiles of scipy's distribution in its own parameters."""
    settings, theirs = DURATIONS[kind]
    built: Any = BUILT_IN[kind].model_validate({"kind": kind, **settings})
    u = np.linspace(0.01, 0.99, 9)
    wanted = np.full(9, 240.0) if theirs is None else theirs.ppf(u)
    np.testing.assert_allclose(built.build().ppf(u), wanted, rtol=1e-9)


def test_a_lognormal_may_be_given_by_its_median() -> None:
    """Half of them are below it; cv stays the standard deviation over the mean."""
    built: Any = BUILT_IN["lognormal"].model_validate({"kind": "lognormal", "median": "40 min", "cv": 0.5})
    made = built.build()
    assert made.ppf(np.array([0.5]))[0] == pytest.approx(2400.0)
    assert _lognormal(made.mean, 0.5).std() / made.mean == pytest.approx(0.5)


class Dice(Settings):
    """A duration of one to six units."""

    kind: Literal["dice"]
    unit: Duration = Field(description="How long a pip lasts.")

    def build(self) -> Distribution:
        """Give the distribution, in seconds."""
        return _Pips(self.unit)


@dataclass(frozen=True)
class _Pips:
    unit: float

    def ppf(self, u: FloatArray) -> FloatArray:
        return np.ceil(u * 6) * self.unit


def test_a_plugin_may_add_a_kind_of_duration(tmp_path: Path, plugins: Plugins) -> None:
    """It can be used wherever a duration is asked for, and its own faults have their places."""
    more = registered_also(plugins, "distributions", "dice", Dice)
    text = TEXT.replace('{ kind = "fixed", value = "4 min" }', '{ kind = "dice", unit = "1 min" }')
    stage: Any = _load(tmp_path, text, more).scenario.review.first
    assert stage.service.build().ppf(np.array([0.01, 0.99])).tolist() == [60.0, 360.0]
    (fault,) = _faults(tmp_path, text.replace('"1 min"', "1"), more)
    assert (fault.key, fault.problem) == ("review.first.service.unit", "has no unit")
    (unknown,) = _faults(tmp_path, text, plugins)
    assert unknown.key == "review.first.service.kind"
    assert "dice" not in unknown.allowed


# --- extends ---


def test_a_variant_extends_a_base_and_changes_a_few_keys(tmp_path: Path, plugins: Plugins) -> None:
    """What the variant does not say holds as in the base; its name and faults are its own."""
    (tmp_path / "base.toml").write_text(TEXT, encoding="utf-8")
    variant = (
        'extends = "base.toml"\ntitle = "More"\n[review.second]\nstaff = 5\n[channels.hall.sites.north]\nstaff = 1\n'
    )
    file = _load(tmp_path, variant, plugins)
    scenario: Any = file.scenario
    assert (file.name, scenario.title, scenario.seed) == ("town", "More", 3)
    assert scenario.review.second.staff == 5
    assert list(scenario.channels["hall"].sites) == ["centre", "north"]
    faults = _faults(tmp_path, variant.replace("staff = 5", "staff = -5").replace("More", ""), plugins)
    assert [(Path(fault.file).name, fault.line, fault.key) for fault in faults] == [
        ("town.toml", 2, "title"),
        ("town.toml", 4, "review.second.staff"),
    ]


def test_a_fault_of_the_base_is_told_in_the_base(tmp_path: Path, plugins: Plugins) -> None:
    """The place is where the value was written, and there it must be changed."""
    (tmp_path / "base.toml").write_text(TEXT.replace("within = 3", "within = 0"), encoding="utf-8")
    (fault,) = _faults(tmp_path, 'extends = "base.toml"\n', plugins)
    assert Path(fault.file).name == "base.toml"
    assert (fault.key, fault.line) == ("objectives.promise.within", 1 + TEXT[: TEXT.index("within = 3")].count("\n"))


# --- grades of evidence ---


def test_grades_are_those_of_the_comments(tmp_path: Path, plugins: Plugins) -> None:
    """The letter before the colon, for the whole value of a line and not for its parts again."""
    assert _load(tmp_path, TEXT, plugins).grades() == {
        "population.residents": "D",
        "policy.newborn_days": "B",
        "demand.opening_days": "E",
        "choice.online_share": "B",
        "channels.hall.service": "E",
        "review.mismatch": "E",
    }


def test_estimates_are_those_of_comments_and_of_defaults_in_use(tmp_path: Path, plugins: Plugins) -> None:
    """A default of grade E counts unless the file gives another value; a value without a grade is nobody's guess."""
    estimates = _load(tmp_path, TEXT, plugins).estimates()
    assert estimates == sorted(set(estimates))
    listed = {
        "demand.opening_days": True,  # a comment says E
        "demand.rush": True,  # a default of grade E
        "channels.hall.service": True,
        "channels.hall.patience": True,
        "channels.hall.sites.centre.travel": True,
        "channels.web.think": True,
        "behaviour.persist": True,
        "review.first.service": False,  # given, without a grade
        "review.second.service": True,
        "behaviour.tries": False,
        "choice.online_share": False,  # a comment says B
        "channels.web.silent": False,  # a default of grade B
        "policy.newborn_days": False,
    }
    assert {key: key in estimates for key in listed} == listed


def test_an_override_takes_an_estimate_off_the_list(tmp_path: Path, plugins: Plugins) -> None:
    """Who sets a value knows better than the default."""
    estimates = _load(tmp_path, TEXT, plugins, "demand.rush=5.0", "demand.opening_days=3").estimates()
    assert not {"demand.rush", "demand.opening_days"} & set(estimates)


# --- the schema ---


def _as_json(data: Any) -> Any:
    return json.loads(json.dumps(data, default=str))


def test_the_schema_is_a_valid_json_schema_that_refers_to_nothing_missing(plugins: Plugins) -> None:
    """It follows the standard that it names, and each reference leads to a definition of its own."""
    schema = scenario_schema(plugins)
    assert schema["$schema"] == jsonschema.Draft202012Validator.META_SCHEMA["$id"]
    jsonschema.Draft202012Validator.check_schema(schema)
    text = json.dumps(schema)
    references = {part.partition('"')[0] for part in text.split('"$ref": "')[1:]}
    assert {reference.removeprefix("#/$defs/") for reference in references} <= set(schema["$defs"])


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_scenarios_are_valid_by_the_models_and_by_the_schema(path: Path, plugins: Plugins) -> None:
    """An editor that knows the schema has nothing to complain about."""
    file = load_scenario(path, plugins)
    jsonschema.Draft202012Validator(scenario_schema(plugins)).validate(_as_json(file.source.data))


# What only the whole file shows, or what a validator of ours looks at, a schema cannot say.
BEYOND_A_SCHEMA = {
    "horizon",
    "horizon too long",
    "horizon with a time",
    "beyond the known calendar",
    "before the known calendar",
    "policy",
    "distribution with two centres",
    "shift",
    "objective's channels",
    "objective's channel",
    "a channel's name",
    "review",
}


@pytest.mark.parametrize("name", sorted(set(SLIPS) - BEYOND_A_SCHEMA))
def test_the_schema_refuses_what_the_models_refuse(name: str, tmp_path: Path, plugins: Plugins) -> None:
    """A slip in one value is underlined by an editor already."""
    data = _as_json(_load(tmp_path, TEXT, plugins).source.data)
    validator = jsonschema.Draft202012Validator(scenario_schema(plugins))
    validator.validate(data)
    text = TEXT.replace(SLIPS[name].line, SLIPS[name].wrong, 1)
    assert not validator.is_valid(_as_json(tomllib.loads(text)))


def test_a_schema_that_somebody_changes_is_not_the_next_ones(plugins: Plugins) -> None:
    """What is kept from call to call stays what it is, whatever becomes of an answer."""
    schema = scenario_schema(plugins)
    before = json.dumps(schema)
    left: list[Any] = [schema]
    while left:
        node = left.pop()
        inside = list(node.values()) if isinstance(node, dict) else list(node)
        left += [each for each in inside if isinstance(each, dict | list)]
        node.clear()
    assert json.dumps(scenario_schema(plugins)) == before


def test_the_schema_knows_what_plugins_registered(plugins: Plugins) -> None:
    """Every model of every table is one of its definitions, told apart by its kind."""
    schema = scenario_schema(registered_also(plugins, "distributions", "dice", Dice))
    for table, models in models_of(plugins).items():
        mapping = schema["$defs"][table]["discriminator"]["mapping"]
        assert set(models) <= set(mapping)
    assert "dice" in schema["$defs"]["distributions"]["discriminator"]["mapping"]
