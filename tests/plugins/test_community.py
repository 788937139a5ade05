"""Community centres: papers are taken at windows, gather, and go to the agency in batches; so do corrections."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import canbao
from canbao.assembly import scenario_plan
from canbao.columns import Coded, numbers_of
from canbao.district import GIVE_UP, District, Part
from canbao.engines.compiled_engine import CompiledEngine
from canbao.plugins import Plugins, load_plugins
from canbao.scenario.models import Settings
from canbao.testing import check_channel, small_district, small_scenario
from canbao.testing.district import registered_also
from canbao.trace import Trace
from canbao_plugins.community import Community

DAY_S = 86_400.0
START = dt.date(2025, 12, 1)
MONDAY = dt.datetime(2025, 12, 8, 9)
AT_ONCE = {"kind": "fixed", "value": "0 s"}
CENTRE = {"staff": 900, "travel": AT_ONCE}
REVIEW = {
    **dict.fromkeys(("incomplete", "mismatch", "refused", "duplicate", "drop_out"), 0.0),
    **{desk: {"staff": 500} for desk in ("acceptance", "first", "second")},
}
"""A review that passes everything, and in which nobody waits for a clerk."""


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Find the plugins once."""
    return load_plugins()


def _fixed(value: str) -> dict[str, str]:
    return {"kind": "fixed", "value": value}


def _replay(folder: Path, count: int, start: dt.datetime = MONDAY, every_s: float = 1.0) -> dict[str, Any]:
    path = folder / "arrivals.csv"
    moments = (start + dt.timedelta(seconds=every_s * number) for number in range(count))
    path.write_text("arrival\n" + "".join(f"{moment}\n" for moment in moments), encoding="utf-8")
    return {"kind": "replay", "file": str(path)}


def _run(changes: Mapping[str, Any], plugins: Plugins, **community: Any) -> Trace:
    """Run a district in which nothing goes wrong that is not asked for."""
    centres = {"kind": "community", "sites": {"east": CENTRE}, "incomplete": 0.0, **community}
    base = {"channels": {"community": centres}, "review": REVIEW, "choice": {"online_share": 0.0}}
    return CompiledEngine().run(scenario_plan(small_scenario({**base, **changes}, plugins)))


def _visits(trace: Trace, station: str) -> dict[str, Any]:
    """Give the visits to the stations of which the name begins so, with words for station, step and ending."""
    words = {name: np.array(column.words()) for name, column in trace.visits.items() if isinstance(column, Coded)}
    mine = np.char.startswith(words["station"].astype(str), station)
    return {name: words.get(name, numbers_of(column))[mine] for name, column in trace.visits.items()}


def _batches(trace: Trace) -> dict[str, Any]:
    """Give the stays of papers at the centres."""
    stays = _visits(trace, "community.")
    papers = np.char.endswith(stays["station"].astype(str), " papers")
    return {name: values[papers] for name, values in stays.items()}


def _failures(trace: Trace) -> dict[str, Any]:
    return _visits(trace, "failure.")


def _outcomes(trace: Trace) -> Counter[str]:
    outcome = trace.families["outcome"]
    assert isinstance(outcome, Coded)
    return Counter(outcome.words())


def _dates(moments: Any) -> set[dt.date]:
    return {START + dt.timedelta(days=int(moment // DAY_S)) for moment in moments}


def _near(count: float, trials: float, share: float) -> bool:
    """Tell whether a count of trials is within five standard deviations of its share."""
    return abs(count - trials * share) <= 5 * math.sqrt(trials * share * (1 - share))


def test_it_is_a_channel_as_the_kit_wants_it(plugins: Plugins) -> None:
    """Two channels of centres side by side, with every way in, out and back."""
    sites = {"east": {"staff": 2, "room": 9}, "west": {"staff": 1, "closing": "send home"}}
    trace = check_channel(Community, {"sites": sites, "baulk_at": 5}, plugins=plugins)
    assert len(np.asarray(trace.families["family"])) > 100


# --- batches ---


def test_nobody_is_handed_in_before_the_batch_leaves(plugins: Plugins, tmp_path: Path) -> None:
    """All papers that a centre took in a week are handed in on Friday at four, at the very same moment."""
    demand = _replay(tmp_path, 400, every_s=900.0)
    trace = _run({"demand": demand}, plugins, sites={"east": CENTRE, "west": CENTRE}, by_the_deadline=False)
    batches = _batches(trace)
    assert set(batches["station"].tolist()) == {"community.east papers", "community.west papers"}
    assert _dates(batches["start"]) == {dt.date(2025, 12, 12), dt.date(2025, 12, 19)}
    assert set((batches["start"] % DAY_S).tolist()) == {16 * 3600.0}
    submitted = np.asarray(trace.families["submitted"])[batches["family"]]
    np.testing.assert_array_equal(submitted, batches["start"])
    taken = _visits(trace, "community.")
    windows = dict(
        zip(
            taken["family"][taken["step"] == "community/east window"].tolist(),
            taken["leave"][taken["step"] == "community/east window"].tolist(),
            strict=True,
        )
    )
    east = batches["station"] == "community.east papers"
    assert batches["enter"][east].tolist() == [windows[family] for family in batches["family"][east].tolist()]
    assert (batches["start"] - batches["enter"] <= 7 * DAY_S).all()


@pytest.mark.parametrize("size", [1, 7, 40])
def test_a_batch_leaves_when_as_many_have_gathered(size: int, plugins: Plugins, tmp_path: Path) -> None:
    """Each batch has exactly that size; what is left over stays until more come."""
    rule = {"size": size}
    trace = _run({"demand": _replay(tmp_path, 100)}, plugins, hand_over=rule, by_the_deadline=False)
    batches = _batches(trace)
    gone = ~np.isnan(batches["start"])
    assert set(Counter(batches["start"][gone].tolist()).values()) == {size}
    assert (~gone).sum() == 100 % size
    last = batches["enter"][gone][np.argsort(batches["enter"][gone])][size - 1 :: size]
    np.testing.assert_array_equal(np.unique(batches["start"][gone]), last)


def test_a_small_batch_leaves_when_it_is_old_enough(plugins: Plugins, tmp_path: Path) -> None:
    """However few they are, so long after the first of them came."""
    rule = {"size": 1000, "longest": "30 h"}
    trace = _run({"demand": _replay(tmp_path, 20)}, plugins, hand_over=rule)
    batches = _batches(trace)
    np.testing.assert_allclose(batches["start"], batches["enter"].min() + 30 * 3600.0)


@pytest.mark.parametrize("swept", [True, False])
def test_who_came_in_time_is_in_time(swept: bool, plugins: Plugins, tmp_path: Path) -> None:
    """On the last day papers leave at the hour, and the rest when the season ends; without that rule all are late."""
    start = dt.datetime(2025, 12, 19, 14, 30)
    trace = _run(
        {"demand": _replay(tmp_path, 100, start, 90.0)},
        plugins,
        hand_over={"every": "17 working days"},
        by_the_deadline=swept,
    )
    batches, outcomes = _batches(trace), _outcomes(trace)
    if swept:
        assert set(batches["start"].tolist()) == {18 * DAY_S + 16 * 3600.0, 20 * DAY_S}
        assert outcomes == {"enrolled": 100}
    else:
        newborns = int(_kind(trace, "newborn").sum())  # who have no deadline
        assert outcomes == Counter({"too late": 100 - newborns, "enrolled": newborns})


def _kind(trace: Trace, word: str) -> Any:
    kind: Any = trace.families["kind"]
    return kind.has(word)


def test_after_the_last_date_families_go_elsewhere_at_once(plugins: Plugins, tmp_path: Path) -> None:
    """By the older rule of two dates a year: whoever comes later hands in by another channel on the same day."""
    offices = {"office": {"kind": "office", "incomplete": 0.0, "sites": {"hall": CENTRE}}}
    rule = {"kind": "community", "sites": {"east": CENTRE}, "incomplete": 0.0, "by_the_deadline": False}
    rule["hand_over"] = {"dates": [dt.date(2025, 12, 9), dt.date(2025, 12, 10)]}
    changes = {
        "channels": {"community": rule, **offices},
        "choice": {"online_share": 0.0, "popularity": {"office": 1e-9}},
        "demand": _replay(tmp_path, 300, every_s=900.0),
    }
    trace = _run(changes, plugins)
    arrival, last_s = np.asarray(trace.families["arrival"]), 9 * DAY_S + 16 * 3600.0
    words: Any = trace.families["last_channel"]
    batches = _batches(trace)
    assert (words.has("office") == ~np.isin(np.arange(300), batches["family"])).all()
    assert words.has("office")[arrival > last_s].all()
    centre = _visits(trace, "community.east")
    came_in_time = (arrival[centre["family"]] <= last_s) & words.has("office")[centre["family"]]
    assert (centre["leave"][came_in_time & (centre["station"] == "community.east")] > last_s).all()
    assert 50 < (arrival > last_s).sum() < 250
    assert not np.isnan(batches["start"]).any()
    halls = _visits(trace, "office")
    came = arrival[halls["family"]]
    at_once = (came > last_s) & (came % DAY_S >= 8.5 * 3600) & (came % DAY_S < 12 * 3600)
    assert at_once.sum() > 10
    np.testing.assert_array_equal(halls["enter"][at_once], came[at_once])
    assert _outcomes(trace) == {"enrolled": 300}
    days = _settings(rule, plugins).open_days(small_district(plugins=plugins))
    assert np.flatnonzero(days).tolist() == [0, 1, 2, 3, 4, 7, 8, 9]


def _settings(community: Mapping[str, Any], plugins: Plugins) -> Any:
    file = small_scenario({"channels": {"community": dict(community)}}, plugins)
    return file.scenario.channels["community"]


def test_where_there_is_nowhere_else_families_give_up_in_the_end(plugins: Plugins, tmp_path: Path) -> None:
    """Nobody goes round in a circle between centres that hand over nothing any more."""
    rule = {"kind": "community", "sites": {"east": CENTRE}, "by_the_deadline": False}
    rule["hand_over"] = {"dates": [dt.date(2025, 12, 2)]}
    channels = {"one": rule, "two": rule}
    trace = _run({"channels": channels, "demand": _replay(tmp_path, 50)}, plugins)
    assert set(_outcomes(trace)) <= {"gave up", "too late"}
    assert len(_visits(trace, "one")["family"]) + len(_visits(trace, "two")["family"]) == 0


def test_papers_taken_behind_the_last_hand_over_go_elsewhere_too(plugins: Plugins, tmp_path: Path) -> None:
    """Whoever is served too late for the last batch does not leave the papers there for ever."""
    rule = {"dates": [dt.date(2025, 12, 8)], "at": "10:00"}
    demand = _replay(tmp_path, 40, dt.datetime(2025, 12, 8, 9, 30), 60.0)
    more = {"demand": demand, "behaviour": {"persist": 0.0}}
    trace = _run(more, plugins, service=_fixed("20 min"), hand_over=rule, by_the_deadline=False, each_further_child=0.0)
    batches = _batches(trace)
    assert (batches["start"] == 7 * DAY_S + 10 * 3600.0).all()
    in_time = np.asarray(trace.families["arrival"]) + 1200.0 <= 7 * DAY_S + 10 * 3600.0
    assert np.flatnonzero(in_time).tolist() == sorted(batches["family"].tolist())
    assert _outcomes(trace) == {"enrolled": int(in_time.sum()), "gave up": int((~in_time).sum())}


# --- papers ---


def test_incomplete_papers_cost_the_time_to_fetch_them_and_a_second_way(plugins: Plugins, tmp_path: Path) -> None:
    """The only thing that fails, as often as stated and of those who lack papers; it delays by the time to fetch."""
    trace = _run({"demand": _replay(tmp_path, 3000)}, plugins, incomplete=0.3, fetch=_fixed("25 h"))
    failures, visits = _failures(trace), _visits(trace, "community.east")
    assert set(failures["station"].tolist()) == {"failure.incomplete papers"}
    assert len(np.unique(failures["family"])) == len(failures["family"])
    held = np.asarray(trace.families["papers_complete"], dtype=bool)
    typical = np.asarray(small_district(plugins=plugins).typical["papers_complete"], dtype=bool)
    lacking = 1 - typical.mean()
    slips = (0.3 - lacking) / (1 - lacking)
    failed = np.isin(np.arange(3000), failures["family"])
    assert failed[~held].all()
    assert _near(failed[held].sum(), held.sum(), slips)
    second = visits["step"] == "community/east second visit"
    np.testing.assert_allclose(visits["enter"][second], failures["enter"] + 25 * 3600.0)
    assert sorted(visits["family"][second].tolist()) == failures["family"].tolist()
    assert _outcomes(trace) == {"enrolled": 3000}
    trips = np.asarray(trace.families["trips"])
    assert trips.tolist() == (1 + failed).tolist()


def test_corrections_go_with_the_next_batch(plugins: Plugins, tmp_path: Path) -> None:
    """The centre tells the family, which brings what is missing; it is handed in again with all others of that week."""
    review = {**REVIEW, "mismatch": 0.2, "corrections": 50}
    changes = {"demand": _replay(tmp_path, 500), "review": review}
    trace = _run(changes, plugins, told="1 working days", fetch=_fixed("3 h"))
    batches, failures = _batches(trace), _failures(trace)
    assert set(failures["station"].tolist()) == {"failure.data mismatch"}
    intake = _visits(trace, "review.intake")
    assert Counter(intake["family"].tolist()) == Counter(batches["family"].tolist())
    again = intake["step"] == "review/resubmitted"
    moments = intake["enter"][again]
    assert sorted(moments.tolist()) == sorted(batches["start"].tolist())
    corrections = _visits(trace, "community.east")
    brought = corrections["step"] == "community/east correction"
    assert brought.sum() == len(failures["family"]) > 100
    returned = dict[int, list[float]]()
    for family, moment in zip(failures["family"].tolist(), failures["enter"].tolist(), strict=True):
        returned.setdefault(family, []).append(moment)
    waited = [
        enter - returned[family].pop(0)
        for family, enter in zip(
            corrections["family"][brought].tolist(), corrections["enter"][brought].tolist(), strict=True
        )
    ]
    assert min(waited) >= 3 * 3600.0 + 600.0
    assert max(waited) <= 5 * DAY_S  # a weekend in between
    assert _outcomes(trace) == {"enrolled": 500}


def test_a_correction_behind_the_last_hand_over_goes_alone(plugins: Plugins, tmp_path: Path) -> None:
    """By the older rule of two dates a year nobody waits half a year for the second."""
    review = {**REVIEW, "mismatch": 0.5, "corrections": 50}
    rule = {"dates": [dt.date(2025, 12, 9)]}
    changes = {"demand": _replay(tmp_path, 100), "review": review}
    trace = _run(changes, plugins, hand_over=rule, by_the_deadline=False, fetch=_fixed("3 h"))
    assert len(_batches(trace)["family"]) == 100
    visits, intake = _visits(trace, "community.east"), _visits(trace, "review.intake")
    corrected = visits["step"] == "community/east correction"
    assert corrected.sum() > 50
    assert len(intake["family"]) == 100 + corrected.sum()
    assert set(visits["leave"][corrected].tolist()) <= set(intake["enter"].tolist())
    assert _outcomes(trace) == {"enrolled": 100}


class Stumble(Settings):
    """Lets everybody give up once on the way to the review."""

    place: ClassVar[Literal["before review"]] = "before review"

    kind: Literal["stumble"]

    def build(self, name: str, district: District, onward: str) -> Part:
        """Fail the first time."""
        steps: Sequence[Any] = [canbao.Check(0.0, name="first", failed=GIVE_UP, limit=1, exceeded=onward)]
        return Part([], steps)


STUMBLES = {
    "formalities": {"stumble": {"kind": "stumble"}},
    "behaviour": {"persist": 1.0, "switch": 0.0, "come_back": {"kind": "fixed", "value": "1 h"}},
}


def test_papers_are_handed_over_once(plugins: Plugins, tmp_path: Path) -> None:
    """Whoever gives up behind the hand-over, as while paying, tries that again without another batch."""
    known = registered_also(plugins, "formalities", "stumble", Stumble)
    trace = _run({"demand": _replay(tmp_path, 200), **STUMBLES}, known)
    batches = _batches(trace)
    assert Counter(batches["family"].tolist()) == dict.fromkeys(range(200), 1)
    submitted = np.asarray(trace.families["submitted"])[batches["family"]]
    np.testing.assert_allclose(submitted, batches["start"] + 3600.0)
    np.testing.assert_array_equal(np.asarray(trace.families["handed_over"])[batches["family"]], batches["start"])
    assert _outcomes(trace) == {"enrolled": 200}


@given(
    rule=st.sampled_from(
        [
            {"weekdays": ["Tuesday", "Friday"]},
            {"every": "3 working days"},
            {"size": 6},
            {"size": 4, "longest": "2 days"},
        ]
    ),
    incomplete=st.sampled_from([0.0, 0.2, 1.0]),
    mismatch=st.sampled_from([0.0, 0.5]),
    staff=st.integers(1, 4),
    seed=st.integers(1, 1000),
)
@settings(max_examples=12, deadline=None)
def test_no_papers_are_lost(
    rule: dict[str, Any], incomplete: float, mismatch: float, staff: int, seed: int, plugins: Plugins
) -> None:
    """Each paper set that a batch carries enters the review once, or is too late; all others still wait at a centre."""
    sites = {"east": {"staff": staff}, "west": {"staff": 1}}
    changes = {
        "population": {"residents": 250},
        "review": {**REVIEW, "mismatch": mismatch, "drop_out": 0.1},
        "seed": seed,
    }
    trace = _run(changes, plugins, sites=sites, incomplete=incomplete, hand_over=rule)
    batches, intake = _batches(trace), _visits(trace, "review.intake")
    gone = ~np.isnan(batches["start"])
    count = len(numbers_of(trace.families["outcome"]))
    number = {family: row for row, family in enumerate(np.asarray(trace.families["family"]).tolist())}
    carried, reviewed, waiting = np.zeros(count), np.zeros(count), np.zeros(count)
    for table, families in (
        (carried, batches["family"][gone]),
        (reviewed, intake["family"]),
        (waiting, batches["family"][~gone]),
    ):
        np.add.at(table, [number[family] for family in families.tolist()], 1)
    outcome: Any = trace.families["outcome"]
    late = outcome.has("too late") & (carried > reviewed) if "too late" in outcome.labels else np.zeros(count)
    np.testing.assert_array_equal(carried, reviewed + late)
    assert (waiting <= 1).all()
    assert not (waiting.astype(bool) & ~outcome.has("inside")).any() if waiting.any() else True
    together = Counter(zip(batches["station"][gone].tolist(), batches["start"][gone].tolist(), strict=True))
    handed = Counter(zip(intake["enter"].tolist(), strict=True))
    assert sum(together.values()) == sum(handed.values()) + int(np.sum(late))


# --- the rest ---


def test_more_windows_change_no_luck(plugins: Plugins, tmp_path: Path) -> None:
    """The same families lack papers, and their services and ways last as long, however many windows there are."""
    demand = _replay(tmp_path, 300, every_s=30.0)
    patient = _fixed("900 days")
    some = [
        _run({"demand": demand}, plugins, sites={"east": {"staff": staff}}, incomplete=0.3, patience=patient)
        for staff in (3, 30)
    ]
    failures = [sorted(_failures(trace)["family"].tolist()) for trace in some]
    assert failures[0] == failures[1] != []
    services = []
    for trace in some:
        visits = _visits(trace, "community.east")
        first = (visits["step"] == "community/east window") & (visits["ended"] == "served") & (visits["attempt"] == 0)
        pairs = zip(visits["family"][first].tolist(), (visits["leave"] - visits["start"])[first].tolist(), strict=True)
        services.append(dict(pairs))
    both = services[0].keys() & services[1].keys()
    assert len(both) > 200
    assert all(services[0][family] == pytest.approx(services[1][family]) for family in both)


def test_the_typical_way_is_that_to_the_own_centre(plugins: Plugins) -> None:
    """By it families choose a channel: ten minutes here or twenty there, twice as long in the countryside."""
    sites = {"east": {"staff": 1, "travel": _fixed("10 min")}, "west": {"staff": 1, "travel": _fixed("20 min")}}
    community = _settings({"kind": "community", "sites": sites}, plugins)
    district = small_district(plugins=plugins)
    near_east = np.asarray(community.build("community", district).columns["_community near east"])
    wanted = np.where(near_east == 1.0, 600.0, 1200.0) * district.number("way_factor")
    np.testing.assert_allclose(community.travel_s("community", district), wanted)
    assert 50 < near_east.sum() < len(near_east) - 50
