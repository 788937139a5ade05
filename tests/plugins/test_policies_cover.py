"""When cover begins: from birth, from New Year, from the next month, or after a wait; against a plain calendar."""

from __future__ import annotations

import calendar
import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from canbao.calendar import Horizon
from canbao.columns import Coded
from canbao_plugins.families import CATEGORIES, KINDS
from canbao_plugins.policies import Region
from canbao_plugins.policies.moments import cover_after_s

HORIZON = Horizon(dt.date(2025, 9, 1), dt.date(2027, 1, 31))
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Family:
    """One family, as the oracle knows it."""

    paid: dt.datetime | None
    kind: str = "pupil"
    category: str = "ordinary"
    birth: dt.datetime = dt.datetime(2018, 5, 5)
    missed: int = 0


def columns_of(families: list[Family]) -> dict[str, Any]:
    """Give the families as columns."""
    return {
        "kind": Coded(np.array([KINDS.index(family.kind) for family in families]), KINDS),
        "category": Coded(np.array([CATEGORIES.index(family.category) for family in families]), CATEGORIES),
        "birth_s": np.array([HORIZON.seconds(family.birth) for family in families]),
        "missed_years": np.array([family.missed for family in families]),
    }


def paid_of(families: list[Family]) -> np.ndarray[Any, Any]:
    """Give when each paid, nan for one that did not."""
    return np.array([math.nan if family.paid is None else HORIZON.seconds(family.paid) for family in families])


def covers(region: Region, *families: Family) -> list[dt.datetime | None]:
    """Give the begin of cover of each; None for never in this insurance year, or for one that did not pay."""
    begin = region.cover_from_s(columns_of(list(families)), paid_of(list(families)), HORIZON)
    return [HORIZON.moment(moment) if math.isfinite(moment) else None for moment in begin]


def at(text: str) -> dt.datetime:
    """Read a date and time."""
    return dt.datetime.fromisoformat(text)


BEIJING = Region.named("beijing-2026")

# --- oracles by hand --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paid", "begin"),
    [
        ("2025-11-30 00:00:00", "2026-01-01"),  # the first moment of the period
        ("2025-12-31 12:00:00", "2026-01-01"),
        ("2026-02-28 23:59:59", "2026-01-01"),  # the last second of the deadline day is in time
        ("2026-03-01 00:00:01", "2026-06-02"),  # three months, the day of payment not counted
        ("2026-03-31 10:00:00", "2026-07-01"),  # June has no 31st: the wait ends with its last day
        ("2026-05-31 10:00:00", "2026-09-01"),
        ("2026-09-29 10:00:00", "2026-12-30"),
        ("2026-09-30 10:00:00", "2026-12-31"),
        ("2026-10-01 10:00:00", None),  # cover would begin when the insurance year is over
    ],
)
def test_an_ordinary_family_is_covered_from_new_year_or_after_three_months(paid: str, begin: str | None) -> None:
    """Counted by hand on a wall calendar."""
    assert covers(BEIJING, Family(at(paid))) == [begin and at(begin)]


@pytest.mark.parametrize(
    ("birth", "paid", "begin"),
    [
        ("2025-12-20 07:30:00", "2025-12-20 09:00:00", "2025-12-20 07:30:00"),
        ("2025-12-20 07:30:00", "2026-03-20 07:30:00", "2025-12-20 07:30:00"),  # ninety days, to the second
        ("2025-12-20 07:30:00", "2026-03-20 07:30:01", "2026-04-01"),
        ("2026-03-05 00:00:00", "2026-06-30 23:00:00", "2026-07-01"),
        ("2026-03-05 00:00:00", "2026-07-01 00:00:00", "2026-08-01"),
        ("2025-09-10 00:00:00", "2025-12-15 00:00:00", "2026-01-01"),
    ],
)
def test_a_newborn_is_covered_from_birth_or_from_the_next_month(birth: str, paid: str, begin: str) -> None:
    """Inside ninety days from birth, whatever the season; later from the first of the next month, without a wait."""
    assert covers(BEIJING, Family(at(paid), kind="newborn", birth=at(birth))) == [at(begin)]


@pytest.mark.parametrize("days", [0, 30, 60, 90, 180])
def test_the_window_of_newborns_is_a_parameter(days: int) -> None:
    """Whoever pays in the last second of it is insured from birth, whoever pays a second later is not."""
    region = Region.model_validate({"kind": "region", "region": "national-2026", "newborn_days": days})
    birth = at("2026-02-03 11:00:00")
    edge = birth + days * DAY
    inside, outside = (Family(edge + dt.timedelta(seconds=more), kind="newborn", birth=birth) for more in (0, 1))
    first, then = covers(region, inside, outside)
    assert first == birth
    assert then == at("2026-03-01") if edge.month == 2 else then > edge
    until = region.insured_from_birth_until_s(columns_of([inside]), HORIZON)
    assert HORIZON.moment(until[0]) == edge


@pytest.mark.parametrize("category", CATEGORIES[1:])
def test_special_groups_that_come_late_are_covered_from_the_next_month(category: str) -> None:
    """They are exempt from waiting, though they missed a season before."""
    assert covers(BEIJING, Family(at("2026-03-10"), category=category, missed=1)) == [at("2026-04-01")]


def test_cover_that_would_begin_with_the_next_year_never_begins() -> None:
    """Paid in December for the year that ends: the first of the next month lies behind it."""
    families = [Family(at(day), category="low income") for day in ("2026-11-30", "2026-12-01", "2026-12-31 23:00:00")]
    assert covers(BEIJING, *families) == [at("2026-12-01"), None, None]
    born = Family(at("2026-12-31 23:00:00"), kind="newborn", birth=at("2026-12-31"))
    assert covers(BEIJING, born) == [at("2026-12-31")]


def test_who_missed_earlier_seasons_waits_though_in_time() -> None:
    """Three months from the payment on for one season, four for two; but never from before New Year."""
    years = {"kind": "region", "region": "beijing-2026", "waiting": {"since": 2020}}
    early, late = at("2025-12-05"), at("2026-02-10")
    families = [Family(early, missed=1), Family(late, missed=1), Family(late, missed=2), Family(late, missed=0)]
    begin = [at("2026-03-06"), at("2026-05-11"), at("2026-06-11"), at("2026-01-01")]
    assert covers(Region.model_validate(years), *families) == begin
    september = {**years, "start": dt.date(2025, 9, 1)}
    assert covers(Region.model_validate(september), Family(at("2025-09-05"), missed=1)) == [at("2026-01-01")]


def test_who_did_not_pay_is_not_covered() -> None:
    """Neither from birth nor from New Year."""
    families = [Family(None), Family(None, kind="newborn", birth=at("2026-01-05"))]
    assert np.isnan(BEIJING.cover_from_s(columns_of(families), paid_of(families), HORIZON)).all()


# --- waiting ----------------------------------------------------------------------------------------------------------


def _words(word: str, words: tuple[str, ...], count: int) -> Coded:
    return Coded(np.full(count, words.index(word)), words)


def test_the_wait_is_three_months_and_one_more_for_each_further_season() -> None:
    """Seasons before 2025 do not count: in 2026 at most two can have been missed, in 2025 one."""
    missed = np.arange(5)
    ordinary, pupil = _words("ordinary", CATEGORIES, 5), _words("pupil", KINDS, 5)
    assert BEIJING.waiting_months(ordinary, pupil, missed).tolist() == [0, 3, 4, 4, 4]
    assert Region.named("national-2025").waiting_months(ordinary, pupil, missed).tolist() == [0, 3, 3, 3, 3]
    long_ago = Region.model_validate({"kind": "region", "region": "beijing-2026", "waiting": {"since": 2015}})
    assert long_ago.waiting_months(ordinary, pupil, missed).tolist() == [0, 3, 4, 5, 6]
    not_yet = Region.model_validate({"kind": "region", "region": "beijing-2026", "waiting": {"since": 2027}})
    assert not_yet.waiting_months(ordinary, pupil, missed).tolist() == [0] * 5
    assert int(BEIJING.waiting_months(None, None, 2)) == 4


@given(st.sampled_from(CATEGORIES), st.sampled_from(KINDS), st.integers(0, 20))
def test_exempt_groups_never_wait_and_all_others_do(category: str, kind: str, missed: int) -> None:
    """Newborns and the special categories are exempt; whoever missed nothing has nothing to wait for."""
    months = BEIJING.waiting_months(_words(category, CATEGORIES, 1), _words(kind, KINDS, 1), np.array([missed]))
    exempt = category != "ordinary" or kind == "newborn"
    assert (months[0] == 0) == (exempt or missed == 0)


def test_a_region_may_exempt_others() -> None:
    """The list is data."""
    region = Region.model_validate({"kind": "region", "region": "beijing-2026", "waiting": {"exempt": ["pre-school"]}})
    kinds = Coded(np.arange(3), KINDS)
    assert region.waiting_months(_words("orphan", CATEGORIES, 3), kinds, 1).tolist() == [3, 0, 3]


# --- against a plain calendar -----------------------------------------------------------------------------------------


def plain_months_later(day: dt.date, months: int) -> dt.date:
    """Give the day after which a wait of months is over, one family at a time."""
    if months == 0:
        return dt.date(day.year + day.month // 12, day.month % 12 + 1, 1)
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(day.day, last)) + DAY


moments = st.integers(0, HORIZON.days * 86_400 - 1).map(lambda second: HORIZON.moment(float(second)))


@given(st.lists(st.tuples(moments, st.integers(0, 15)), min_size=1, max_size=20))
@example([(at("2025-11-30 12:00:00"), 3), (at("2025-12-31 23:59:59"), 2), (at("2026-01-31"), 1), (at("2026-12-01"), 0)])
def test_months_are_counted_as_on_a_wall_calendar(drawn: list[tuple[dt.datetime, int]]) -> None:
    """For many families at once what a plain calendar gives for one."""
    paid = np.array([HORIZON.seconds(moment) for moment, _ in drawn])
    begin = cover_after_s(paid, np.array([months for _, months in drawn]), HORIZON)
    assert [HORIZON.moment(moment).date() for moment in begin] == [plain_months_later(m.date(), n) for m, n in drawn]
    assert (begin % 86_400 == 0).all()


def plain_cover(region: Region, family: Family) -> dt.datetime | None:
    """Say when cover begins for one family, from the words of the rules."""
    if family.paid is None:
        return None
    late = family.paid >= dt.datetime.combine(region.deadline + DAY, dt.time())
    missed = min(family.missed + late, max(0, region.insurance_year - region.waiting.since + 1))
    exempt = {family.kind, family.category} & set(region.waiting.exempt)
    months = 0 if exempt or not missed else region.waiting.months + (missed - 1) * region.waiting.further_months
    later = dt.datetime.combine(plain_months_later(family.paid.date(), months), dt.time())
    first = dt.datetime(region.insurance_year, 1, 1)
    if family.kind == "newborn":
        begin = family.birth if family.paid <= family.birth + region.newborn_days * DAY else later
    else:
        begin = max(first, later) if late or months else first
    return begin if begin.year <= region.insurance_year else None


families = st.builds(
    Family,
    paid=st.none() | moments.filter(lambda moment: moment.time() != dt.time()),
    kind=st.sampled_from(KINDS),
    category=st.sampled_from(CATEGORIES),
    birth=moments,
    missed=st.integers(0, 5),
)
regions = st.builds(
    lambda name, days, months, further, since: Region.model_validate(
        {
            "kind": "region",
            "region": name,
            "newborn_days": days,
            "waiting": {"months": months, "further_months": further, "since": since},
        }
    ),
    st.sampled_from(["national-2026", "beijing-2026", "taian-2026", "yuxi-2026"]),
    st.sampled_from([0, 30, 60, 90, 180]),
    st.integers(0, 6),
    st.integers(0, 3),
    st.integers(2020, 2027),
)


@given(regions, st.lists(families, min_size=1, max_size=10))
def test_cover_begins_when_the_words_of_the_rules_say(region: Region, drawn: list[Family]) -> None:
    """For many families at once what the rules, read one by one, say for each."""
    assert covers(region, *drawn) == [plain_cover(region, family) for family in drawn]


# --- laws -------------------------------------------------------------------------------------------------------------


@given(regions, st.lists(families, min_size=1, max_size=10))
def test_cover_never_begins_before_birth_nor_without_a_payment(region: Region, drawn: list[Family]) -> None:
    """A newborn is insured from birth at best; who did not pay has no moment at all."""
    columns, paid = columns_of(drawn), paid_of(drawn)
    begin = region.cover_from_s(columns, paid, HORIZON)
    np.testing.assert_array_equal(np.isnan(begin), np.isnan(paid))
    newborn = columns["kind"].has("newborn") & ~np.isnan(paid)
    assert (begin[newborn] >= columns["birth_s"][newborn]).all()
    others = ~columns["kind"].has("newborn") & ~np.isnan(paid)
    assert (begin[others] >= region.benefits_s(HORIZON)[0]).all()


@given(regions, families, st.lists(moments, min_size=2, max_size=12))
def test_who_pays_later_is_not_covered_earlier(region: Region, family: Family, paid: list[dt.datetime]) -> None:
    """Cover never moves forward when the payment moves back."""
    paid_s = np.sort([HORIZON.seconds(moment) for moment in paid])
    begin = region.cover_from_s(columns_of([family] * len(paid)), paid_s, HORIZON)
    assert (begin[1:] >= begin[:-1]).all()  # by comparison: the last of them may be inf


@given(regions, st.lists(families, min_size=1, max_size=6))
def test_cover_is_a_matter_of_each_family_alone(region: Region, drawn: list[Family]) -> None:
    """The last family by itself is covered from the moment that it has among all."""
    assert covers(region, *drawn)[-1:] == covers(region, drawn[-1])


@given(regions, families)
def test_the_last_second_of_the_deadline_day_is_in_time(region: Region, family: Family) -> None:
    """Deadline, period and cover agree on it; the next second is late for all but newborns."""
    (last_s,) = region.deadline_s(columns_of([Family(None)]), HORIZON)
    assert last_s == region.period_s(HORIZON)[1]
    last = dt.datetime.combine(region.deadline, dt.time(23, 59, 59))
    assert HORIZON.seconds(last) < last_s <= HORIZON.seconds(last) + 1
    new_year = dt.datetime(region.insurance_year, 1, 1)
    assert covers(region, Family(last), Family(last + dt.timedelta(seconds=2)))[0] == new_year
    if region.waiting.months and region.waiting.since <= region.insurance_year:
        assert covers(region, Family(last + dt.timedelta(seconds=2)))[0] > new_year
    assert np.isinf(region.deadline_s(columns_of([family]), HORIZON)[0]) == (family.kind == "newborn")


def test_a_population_that_knows_nothing_is_covered_from_new_year() -> None:
    """Without kinds, births and categories all are ordinary children who missed nothing."""
    paid = np.array([HORIZON.seconds(at("2026-01-20")), math.nan])
    begin = BEIJING.cover_from_s({"_number": np.arange(2)}, paid, HORIZON)
    np.testing.assert_array_equal(begin, [HORIZON.seconds(dt.date(2026, 1, 1)), math.nan])
    unborn = {"kind": Coded(np.zeros(2, dtype=np.int8), KINDS)}
    np.testing.assert_array_equal(BEIJING.cover_from_s(unborn, paid, HORIZON), begin)
