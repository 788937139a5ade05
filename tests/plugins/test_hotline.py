"""The hotline: calls, patience, busy lines, those who are relieved and those who are sent on."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from canbao.arrays import FloatArray
from canbao.assembly import scenario_plan
from canbao.columns import Coded, numbers_of
from canbao.district import District, Part
from canbao.engines.compiled_engine import CompiledEngine
from canbao.errors import InputError
from canbao.network import End, Go
from canbao.plugins import Plugins, load_plugins
from canbao.testing import check_channel, small_scenario
from canbao.theory import erlang_a
from canbao.trace import Trace
from canbao_plugins.hotline import Hotline

DAY_S = 86_400.0
MONDAY = dt.datetime(2025, 12, 8, 9)
ALL_DAY = {name: ["00:00-24:00"] for name in ("hours", "saturday_hours", "sunday_hours")}
NO_TROUBLE = dict.fromkeys(("wanders_off", "new_accounts", "locked_out", "incomplete"), 0.0)
PORTAL: dict[str, Any] = {"kind": "portal", "slots": 500, **NO_TROUBLE}
REVIEW = {
    **dict.fromkeys(("incomplete", "mismatch", "refused", "duplicate", "drop_out"), 0.0),
    **{desk: {"staff": 500} for desk in ("acceptance", "first", "second")},
}


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Find the plugins once."""
    return load_plugins()


def _fixed(value: str) -> dict[str, str]:
    return {"kind": "fixed", "value": value}


def _run(
    folder: Path,
    plugins: Plugins,
    offsets_s: Any,
    start: dt.datetime = MONDAY,
    others: Mapping[str, Any] | None = None,
    more: Mapping[str, Any] | None = None,
    **hotline: Any,
) -> Trace:
    """Let all families begin with a call, so many seconds after the start, and let the review pass everything."""
    path = folder / "arrivals.csv"
    moments = [start + dt.timedelta(seconds=float(offset)) for offset in offsets_s]
    path.write_text("arrival\n" + "".join(f"{moment}\n" for moment in moments), encoding="utf-8")
    changes = {
        "demand": {"kind": "replay", "file": str(path)},
        "channels": {"hotline": {"kind": "hotline", "staff": 50, **hotline}, **(others or {"portal": PORTAL})},
        "choice": {"online_share": 0.0, "popularity": {"office": 0.0} if "office" in (others or {}) else {}},
        "review": REVIEW,
        **(more or {}),
    }
    return CompiledEngine().run(scenario_plan(small_scenario(changes, plugins)))


def _every(seconds: float, families: int) -> FloatArray:
    return np.asarray(np.arange(families) * seconds, dtype=np.float64)


def _visits(trace: Trace, station: str = "hotline") -> dict[str, Any]:
    words = {name: np.array(column.words()) for name, column in trace.visits.items() if isinstance(column, Coded)}
    mine = words["station"] == station
    return {name: words.get(name, numbers_of(column))[mine] for name, column in trace.visits.items()}


def _near(count: float, trials: float, share: float) -> bool:
    """Tell whether a count of trials is within five standard deviations of its share."""
    return abs(count - trials * share) <= 5 * math.sqrt(trials * share * (1 - share))


@pytest.mark.parametrize(
    "settings",
    [
        {"staff": 2},
        {"staff": 1, "lines": 2, "baulk_at": 1, "patience": _fixed("20 s"), "calls": 2},
        {"staff": 0, "relieved_goes_to": "office", "sends_on_to": "office"},
    ],
)
def test_it_is_a_channel_as_the_kit_wants_it(settings: Mapping[str, Any], plugins: Plugins) -> None:
    """Nobody hands in there, and those who come to it do so elsewhere, however hard it is to get through."""
    trace = check_channel(Hotline, settings, plugins=plugins)
    assert len(_visits(trace, "one")["family"]) > 50


class _HandsIn(Hotline):
    """A hotline that says that nobody hands in there, and takes applications all the same."""

    def build(self, name: str, district: District) -> Part:
        part = super().build(name, district)
        return replace(part, steps=[*part.steps[:-1], Go("application", name="sent on")])


class _NoWayOn(Hotline):
    """A hotline that nobody leaves for a place to enrol."""

    def build(self, name: str, district: District) -> Part:
        part = super().build(name, district)
        steps = [End("told", name=step.name) if isinstance(step, Go) else step for step in part.steps]
        return replace(part, steps=steps)


class _Hides(Hotline):
    """A hotline with a step of the name of a label."""

    def build(self, name: str, district: District) -> Part:
        part = super().build(name, district)
        return replace(part, steps=[*part.steps, End("told", name="again")])


class _Perhaps(Hotline):
    hands_in: ClassVar[Any] = 0


@pytest.mark.parametrize(
    ("model", "settings", "said"),
    [
        (_HandsIn, {"staff": 9}, "families hand in there: take `hands_in = False` away"),
        (_NoWayOn, {"staff": 99, "calls": 0}, r"nobody who came to it handed in later: a way .*\(ELSEWHERE\)"),
        (_Hides, {"staff": 9}, "its step 'again' hides the label of that name"),
        (_Perhaps, {"staff": 9}, "`hands_in` must be True or False, not 0"),
    ],
)
def test_the_kit_finds_what_is_wrong_with_a_channel_that_only_helps(
    model: type[Any], settings: Mapping[str, Any], said: str, plugins: Plugins
) -> None:
    """It must not take applications, and must lead to a channel that does."""
    with pytest.raises(AssertionError, match=said):
        check_channel(model, settings, plugins=plugins)


# --- waiting ---


def test_calls_and_hang_ups_are_those_of_erlang_a(plugins: Plugins, tmp_path: Path) -> None:
    """With Poisson calls, exponential talks and patience the shares are those of M/M/c+M, up to chance."""
    rate, talk_s, patience_s, agents = 1 / 100.0, 240.0, 400.0, 2
    offsets = np.cumsum(np.random.default_rng(7).exponential(1 / rate, 5000))
    trace = _run(
        tmp_path,
        plugins,
        offsets,
        staff=agents,
        talk={"kind": "exponential", "mean": f"{talk_s:.0f} s"},
        patience={"kind": "exponential", "mean": f"{patience_s:.0f} s"},
        call_again=0.0,
        **ALL_DAY,
    )
    wanted = erlang_a(rate, talk_s, agents, patience_s)
    calls = _visits(trace)
    assert len(calls["family"]) == 5000
    begun = np.where(calls["ended"] == "served", calls["start"], calls["leave"])
    waits = begun - calls["enter"]
    # Neighbouring calls wait alike: so the errors come from the means of 50 batches, not from single calls.
    for values, mean in (
        (calls["ended"] == "abandoned", wanted.p_lost),
        (waits, wanted.wait),
        (waits > 0, wanted.p_wait),
    ):
        batches = values[np.argsort(calls["enter"])].reshape(50, 100).mean(axis=1)
        assert abs(batches.mean() - mean) < 4 * batches.std(ddof=1) / math.sqrt(50)
    assert 0.1 < wanted.p_lost < 0.4


def test_a_caller_waits_as_long_as_its_patience_lasts(plugins: Plugins, tmp_path: Path) -> None:
    """With one agent who talks for hours, all others hang up after their patience, 400 s in the mean by default."""
    trace = _run(tmp_path, plugins, _every(0.0, 1500), staff=1, talk=_fixed("2 h"), call_again=0.0)
    calls = _visits(trace)
    hung_up = calls["ended"] == "abandoned"
    waited = (calls["leave"] - calls["enter"])[hung_up]
    assert hung_up.sum() == 1499
    assert abs(waited.mean() - 400.0) < 5 * 400.0 / math.sqrt(1499)


def test_busy_lines_and_long_queues_turn_callers_away(plugins: Plugins, tmp_path: Path) -> None:
    """Who finds no line hears that it is busy; who finds too many waiting hangs up at once."""
    patient = {"patience": _fixed("5 h"), "talk": _fixed("5 min"), "staff": 2, "calls": 0}
    busy = _visits(_run(tmp_path, plugins, _every(0.0, 30), lines=7, **patient))
    at_once = busy["enter"] == busy["enter"].min()
    assert Counter(busy["ended"][at_once].tolist()) == {"served": 7, "full": 23}
    long = _visits(_run(tmp_path, plugins, _every(0.0, 30), baulk_at=4, **patient))
    at_once = long["enter"] == long["enter"].min()
    assert Counter(long["ended"][at_once].tolist()) == {"served": 2 + 2 * 4, "baulked": 20}


def test_who_is_not_answered_calls_again_with_the_stated_share(plugins: Plugins, tmp_path: Path) -> None:
    """After the stated time; the others go to another channel at once."""
    trace = _run(
        tmp_path,
        plugins,
        _every(0.0, 1000),
        staff=1,
        talk=_fixed("1 s"),
        lines=1,
        call_again=0.6,
        call_again_after=_fixed("10 min"),
        calls=1,
    )
    calls, portal = _visits(trace), _visits(trace, "portal")
    first, second = (calls["attempt"] == number for number in (0, 1))
    turned_away = calls["family"][first & (calls["ended"] == "full")]
    assert len(turned_away) == 999
    assert _near(second.sum(), 999, 0.6)
    np.testing.assert_allclose(calls["enter"][second], calls["enter"].min() + 600)
    others = np.setdiff1d(turned_away, calls["family"][second])
    came = portal["enter"][np.isin(portal["family"], others) & (portal["step"] == "portal/log in")]
    assert len(came) == len(others)
    assert set(came.tolist()) == {calls["enter"].min()}


@pytest.mark.parametrize("limit", [0, 3])
def test_after_so_many_calls_a_family_gives_up_for_now(limit: int, plugins: Plugins, tmp_path: Path) -> None:
    """One call more than the stated number, however willing it is."""
    trace = _run(
        tmp_path,
        plugins,
        _every(0.0, 40),
        staff=0,
        patience=_fixed("1 min"),
        call_again=1.0,
        calls=limit,
        call_again_after=_fixed("1 min"),
        more={"behaviour": {"persist": 0.0}},
    )
    assert np.bincount(_visits(trace)["family"]).tolist() == [limit + 1] * 40
    outcome: Any = trace.families["outcome"]
    assert set(outcome.words()) == {"gave up"}


def test_a_closed_line_is_called_in_its_hours(plugins: Plugins, tmp_path: Path) -> None:
    """Spread over the whole next day on which it is open, not in its first second."""
    trace = _run(tmp_path, plugins, _every(0.0, 500), dt.datetime(2025, 12, 7, 22), call_again=0.0)
    enter = _visits(trace)["enter"]
    hours = enter % DAY_S / 3600
    assert set((enter // DAY_S).tolist()) == {7.0}
    assert (((hours >= 8.5) & (hours < 12)) | ((hours >= 14) & (hours < 17.5))).all()
    assert _near((hours < 12).sum(), 500, 0.5)


# --- answers ---


def test_the_stated_share_is_relieved_and_goes_where_the_scenario_says(plugins: Plugins, tmp_path: Path) -> None:
    """To the portal with advice, all others to the hall; the moment of the advice is the end of the call."""
    office = {"kind": "office", "sites": {"hall": {"staff": 900}}, "incomplete": 0.0}
    trace = _run(
        tmp_path,
        plugins,
        _every(10.0, 1000),
        others={"portal": PORTAL, "office": office},
        relieved=0.7,
        relieved_goes_to="portal",
        sends_on_to="office",
        patience=_fixed("1 h"),
    )
    advised = ~np.isnan(np.asarray(trace.families["advised"]))
    assert _near(advised.sum(), 1000, 0.7)
    last: Any = trace.families["last_channel"]
    assert (last.has("portal") == advised).all()
    assert (last.has("office") == ~advised).all()
    calls = _visits(trace)
    np.testing.assert_array_equal(
        np.asarray(trace.families["advised"])[advised], calls["leave"][advised[calls["family"]]]
    )
    outcome: Any = trace.families["outcome"]
    assert set(outcome.words()) == {"enrolled"}


def test_who_was_advised_uploads_the_right_papers(plugins: Plugins, tmp_path: Path) -> None:
    """Where every upload would be incomplete, those of advised families are not, and those of all others are once."""
    portal = {**PORTAL, "incomplete": 1.0}
    trace = _run(tmp_path, plugins, _every(10.0, 300), others={"portal": portal}, relieved=0.5)
    advised = ~np.isnan(np.asarray(trace.families["advised"]))
    incomplete = np.bincount(_visits(trace, "failure.incomplete papers")["family"], minlength=300)
    assert 100 < advised.sum() < 200
    assert (incomplete == ~advised).all()


def test_a_family_that_is_locked_out_of_the_portal_calls_and_finishes_online(plugins: Plugins, tmp_path: Path) -> None:
    """The hotline relieves it, the portal lets it in."""
    portal = {**PORTAL, "locked_out": 1.0, "helped_by": "hotline"}
    trace = _run(
        tmp_path,
        plugins,
        _every(10.0, 100),
        others={"portal": portal},
        relieved=1.0,
        relieved_goes_to="portal",
        more={"choice": {"online_share": 1.0}},
    )
    steps: Any = trace.visits["step"]
    family = np.asarray(trace.visits["family"])
    words = [word for word, mine in zip(steps.words(), family == 0, strict=True) if mine]
    assert words[:4] == ["portal/log in", "hotline/call", "portal/log in", "portal/form"]
    assert len(_visits(trace)["family"]) == 100
    last: Any = trace.families["last_channel"]
    assert last.has("portal").all()


@pytest.mark.parametrize("key", ["relieved_goes_to", "sends_on_to"])
def test_a_channel_that_is_not_there_is_told(key: str, plugins: Plugins, tmp_path: Path) -> None:
    """The message names the key, the name and the nearest one that there is."""
    said = rf"channels\.hotline\.{key} names 'portale', which is no channel of the scenario; did you mean 'portal'\?"
    with pytest.raises(InputError, match=said):
        _run(tmp_path, plugins, [0.0], **{key: "portale"})


def test_more_agents_do_not_change_the_luck_of_anybody(plugins: Plugins, tmp_path: Path) -> None:
    """A family's first talk takes as long with one agent as with fifty, and who is relieved with one is so with all."""
    patient = {"patience": _fixed("9 h"), "talk": {"kind": "exponential", "mean": "2 min"}}
    few, many = (_run(tmp_path, plugins, _every(60.0, 120), staff=staff, **patient) for staff in (1, 50))
    talks = []
    for trace in (few, many):
        calls = _visits(trace)
        order = np.argsort(calls["family"])
        talks.append((calls["leave"] - calls["start"])[order])
    np.testing.assert_allclose(talks[0], talks[1], rtol=1e-6)
    advised = [~np.isnan(np.asarray(trace.families["advised"])) for trace in (few, many)]
    assert (advised[0] == advised[1]).all()
    assert (_visits(few)["start"] > _visits(few)["enter"]).sum() > 50
