"""What `--vary` means, which values a scenario takes, and which estimates it has."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.errors import InputError, ScenarioError
from canbao.experiments.suspects import Scaled, estimated_inputs
from canbao.experiments.varying import Levels, Range, Setting, check_inputs, read_vary, spelled
from canbao.plugins import Plugins, load_plugins
from canbao.scenario.scenario import ScenarioFile, load_scenario

CITY = Path(__file__).parents[2] / "scenarios" / "city-season.toml"


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Give the built-in plugins."""
    return load_plugins()


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("a=6..9", ["6", "7", "8", "9"]),
        ("a=6..20:5", ["6", "11", "16"]),
        ("a=0.3:0.9:7", ["0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9"]),
        ("a=1:10:4", ["1", "4", "7", "10"]),
        ("a=-1:1:3", ["-1", "0", "1"]),
        ("a=4,8,16", ["4", "8", "16"]),
        ("a=1 day, 2 days", ["1 day", "2 days"]),
        ("a=2 min:6 min:3", ["2 min", "4 min", "6 min"]),
        ('a="2 min":"3 min":3', ["2 min", "2.5 min", "3 min"]),
        ("a=2..4 min", ["2 min", "3 min", "4 min"]),
        ("a=20 %:60 %:3", ["20 %", "40 %", "60 %"]),
        ("a=1..3 working days", ["1 working days", "2 working days", "3 working days"]),
        ("a=true,false", ["true", "false"]),
    ],
)
def test_each_form_gives_its_values(text: str, labels: list[str]) -> None:
    """A list, a range of whole numbers and evenly spaced values are read as they are written."""
    found = read_vary(text)
    assert isinstance(found, Levels)
    assert found.path == "a"
    assert [setting.label for setting in found.settings] == labels


def test_tables_of_toml_are_values() -> None:
    """Whatever TOML can say is a value: lists and tables too."""
    found = read_vary('a=["08:30-12:00"], ["09:00-17:00"]')
    assert isinstance(found, Levels)
    assert [setting.value for setting in found.settings] == [["08:30-12:00"], ["09:00-17:00"]]
    assert found.described()["numbers"] is None


def test_a_range_without_a_count_is_a_range() -> None:
    """Two ends and no number of values are for designs that draw."""
    assert read_vary("choice.online_share=0.3:0.9") == Range("choice.online_share", 0.3, 0.9)
    assert read_vary("a=2 min:6 min") == Range("a", 2.0, 6.0, "min")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a", "not path=values"),
        ("=3", "not path=values"),
        ("a=", "not path=values"),
        ("a=9..6", "not in order"),
        ("a=0.5..2", "counts in whole numbers"),
        ("a=2:1:5", "not in order"),
        ("a=1:2:1", "asks for 1 values"),
        ("a=1 min:2 h:3", "more than one unit (h, min)"),
        ("a=1..99999999", "more than 10,000 values"),
        ("a=1,1", "a value twice"),
        ("a=[1,2", "not a list of values"),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    """A text that cannot be meant is refused with what it says and what can be written."""
    with pytest.raises(InputError) as found:
        read_vary(text)
    assert said in str(found.value)
    assert "6..20" in str(found.value)


@given(low=st.integers(-50, 50), size=st.integers(0, 40), step=st.integers(1, 7))
def test_whole_numbers_are_those_of_a_range(low: int, size: int, step: int) -> None:
    """LOW..HIGH:STEP are the numbers that Python's range gives, the upper end included."""
    found = read_vary(f"a={low}..{low + size}:{step}")
    assert isinstance(found, Levels)
    assert [setting.value for setting in found.settings] == list(range(low, low + size + 1, step))


@given(low=st.decimals(-10, 10, places=2), width=st.decimals("0.01", 10, places=2), count=st.integers(2, 30))
def test_evenly_spaced_values_keep_both_ends(low: object, width: object, count: int) -> None:
    """The first and last of LOW:HIGH:COUNT are the ends, and the steps between are equal."""
    found = read_vary(f"a={low}:{low + width}:{count}")
    assert isinstance(found, Levels)
    numbers = [setting.number for setting in found.settings]
    assert (len(numbers), numbers[0], numbers[-1]) == (count, float(low), float(low + width))
    steps = [second - first for first, second in pairwise(numbers)]
    assert max(steps) - min(steps) < 1e-9


@given(share=st.floats(0, 1), count=st.integers(1, 20))
def test_every_level_has_an_equal_part_of_the_shares(share: float, count: int) -> None:
    """The level at a share is the one in whose part of the interval from 0 to 1 the share lies."""
    levels = Levels("a", tuple(Setting("a", number, float(number)) for number in range(count)))
    place = levels.at(share).value
    assert place / count <= share + 1e-12
    assert share <= (place + 1) / count + 1e-12


@given(share=st.floats(0, 1), low=st.floats(-1e6, 1e6), width=st.floats(1e-3, 1e6))
def test_a_value_of_a_range_lies_in_it(share: float, low: float, width: float) -> None:
    """A value drawn from a range is never outside, but for rounding to six digits."""
    number = Range("a", low, low + width).at(share).number
    slack = 1e-5 * max(abs(low), abs(low + width))
    assert low - slack <= number <= low + width + slack


@pytest.mark.parametrize("number", [1e-7, 0.1, 450.0, 1e6, 123456.0])
def test_a_duration_is_written_without_exponent(number: float) -> None:
    """A text of a scenario file is plain digits and a unit."""
    assert set(Range("a", number, number + 1, "s").at(0.0).value) <= set("0123456789. s")


def test_values_are_spelled_as_toml() -> None:
    """A table of settings is written so that TOML reads the same back."""
    import tomllib

    value = {"kind": "lognormal", "mean": "8 min", "cv": 0.6, "a key": [1, True, "x"]}
    assert tomllib.loads(f"v = {spelled(value)}")["v"] == value


# --- with a scenario --------------------------------------------------------------------------------------------------


def test_values_are_checked_by_the_scenario(plugins: Plugins) -> None:
    """Every value that the scenario does not take is told at once, as of --vary, with what is allowed."""

    def load(overrides: Sequence[str]) -> ScenarioFile:
        return load_scenario(CITY, plugins, overrides)

    check_inputs([read_vary("review.first.staff=6..8"), read_vary("choice.online_share=0.3:0.9:3")], load)
    wrong = [
        read_vary("review.first.staff=6.5,7"),
        read_vary("choice.online_share=0.5:1.5:3"),
        read_vary("review.clerks=3..4"),
    ]
    with pytest.raises(ScenarioError) as found:
        check_inputs(wrong, load)
    faults = found.value.faults
    assert {fault.file for fault in faults} == {"--vary"}
    assert [fault.key for fault in faults] == ["review.first.staff", "choice.online_share", "review.clerks"]
    assert [fault.given for fault in faults[:2]] == ["6.5", "1.5"]


def test_a_range_of_a_whole_number_must_be_a_list_of_them(plugins: Plugins) -> None:
    """A range of a count would draw 7.3 clerks; it is refused before anything runs."""
    with pytest.raises(ScenarioError, match="whole number"):
        check_inputs([read_vary("review.first.staff=6:20")], lambda overrides: load_scenario(CITY, plugins, overrides))


def test_a_key_is_varied_once() -> None:
    """Two --vary of one key are a slip."""
    with pytest.raises(InputError, match="varied twice"):
        check_inputs([read_vary("a=1..2"), read_vary("a=3..4")], lambda _: None)


def test_estimates_have_ranges_that_the_scenario_takes(plugins: Plugins) -> None:
    """Every estimate is either an input whose ends both fit, or is told with a reason."""

    def load(overrides: Sequence[str]) -> ScenarioFile:
        return load_scenario(CITY, plugins, overrides)

    file = load(())
    found = estimated_inputs(file, load, within=0.25)
    assert sorted([*found.left_out, *(one.path for one in found.inputs)]) == file.estimates()
    assert len(found.inputs) > 100
    assert all(found.left_out.values())
    for share in (0.0, 0.37, 1.0):
        load([one.at(share).override for one in found.inputs])


def test_the_range_of_an_estimate_is_stated_around_its_value(plugins: Plugins) -> None:
    """Shares, counts, durations and distributions are varied by the same quarter."""

    def load(overrides: Sequence[str]) -> ScenarioFile:
        return load_scenario(CITY, plugins, overrides)

    inputs = {one.path: one for one in estimated_inputs(load(()), load, within=0.25).inputs}
    precheck, staff = inputs["review.precheck"], inputs["review.second.staff"]
    assert (precheck.at(0.0).number, precheck.at(1.0).number) == (0.225, 0.375)
    assert (staff.at(0.0).value, staff.at(1.0).value) == (8, 14)
    assert inputs["review.notice"].at(0.0).value == "450 s"
    service = inputs["review.second.service"]
    assert isinstance(service, Scaled)
    assert service.at(1.0).value == {"kind": "lognormal", "mean": "225 s", "cv": 0.6}
    assert inputs["population.papers.photo"].at(1.0).number == 1.0


def test_estimates_can_be_chosen_by_pattern(plugins: Plugins) -> None:
    """A pattern keeps the estimates of one part of the scenario; one that fits none says so."""

    def load(overrides: Sequence[str]) -> ScenarioFile:
        return load_scenario(CITY, plugins, overrides)

    file = load(())
    found = estimated_inputs(file, load, among=["review.*", "behaviour.persist"])
    assert {one.path.split(".")[0] for one in found.inputs} == {"review", "behaviour"}
    with pytest.raises(InputError, match="no estimate"):
        estimated_inputs(file, load, among=["nothing.*"])
    with pytest.raises(InputError, match="between 0 and 1"):
        estimated_inputs(file, load, within=1.0)
