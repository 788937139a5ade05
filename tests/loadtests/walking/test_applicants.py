"""What a load test tells a deployment about families: invented, and no two alike."""

from __future__ import annotations

import datetime as dt
import math
import re
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from stdnum.cn import ric  # type: ignore[import-untyped]

from canbao.calendar import Horizon
from canbao.columns import Coded
from canbao.errors import InputError
from canbao_loadtests import applicants
from canbao_loadtests.applicants import Applicants
from canbao_loadtests.service.models import Child, NewAccount
from canbao_loadtests.targets.contract import FAMILY
from canbao_plugins.families.papers import PAPER_IMAGES

_HORIZON = Horizon(dt.date(2025, 9, 1), dt.date(2025, 12, 31))


def _applicants(count: int, **more: Any) -> Applicants:
    kinds = Coded(np.arange(count) % 3, ("newborn", "pre-school", "pupil"))
    columns = {"kind": kinds, "fee_yuan": np.full(count, 400.0), "birth_s": np.linspace(-7e6, 1e7, count)}
    return Applicants(columns, _HORIZON, 7, **more)


def test_no_two_families_share_what_tells_them_apart() -> None:
    """Of 20,000 families no two have the same account, telephone or number of a child or guardian."""
    some = _applicants(20_000)
    told = [some.of(family) for family in range(20_000)]
    for name in ("user_name", "telephone", "child_number", "guardian_number"):
        assert len({one[name] for one in told}) == len(told), name


def test_numbers_spread_over_all_there_are() -> None:
    """The step from number to number divides none of the ranges, so that each range is used up before one repeats."""
    sizes = [10**8, 24 * 10**7, 999 * (2191 - 91), 999 * (6574 - 2192), 999 * (18_500 - 9_500)]
    assert [math.gcd(size, applicants._SPREAD) for size in sizes] == [1] * len(sizes)


def test_the_reference_service_takes_every_family() -> None:
    """Account and form fit the models of the reference service, whatever the kind of family."""
    some = _applicants(600)
    for family in range(600):
        told = some.of(family)
        NewAccount(name=told["user_name"], password=told["password"], telephone=told["telephone"])
        Child(name=told["child_name"], number=told["child_number"], guardian=told["guardian_name"])


def test_numbers_are_right_and_nobodys() -> None:
    """A checker of citizen numbers that is not ours finds date, sex and check digit right; no place has the area."""
    some = _applicants(600)
    for family in range(600):
        told = some.of(family)
        assert ric.calc_check_digit(told["guardian_number"]) == told["guardian_number"][-1]
        assert told["guardian_number"].startswith("999999")
        if told["kind"] == "newborn":
            assert re.fullmatch("[A-Z]99[0-9]{7}", told["child_number"])
        else:
            assert ric.calc_check_digit(told["child_number"]) == told["child_number"][-1]
            assert ric.get_birth_date(told["child_number"]).isoformat() == told["child_birth"]
            assert ("female", "male")[int(told["child_number"][16]) % 2] == told["child_sex"]


def test_children_are_of_the_age_of_their_kind() -> None:
    """Pre-school children are under six on the first day, pupils from six to seventeen."""
    some = _applicants(600)
    for family in range(600):
        told = some.of(family)
        years = (_HORIZON.start - dt.date.fromisoformat(told["child_birth"])).days / 365.25
        assert {"newborn": years < 0.5, "pre-school": 0.2 < years < 6.01, "pupil": 6.0 <= years < 18.01}[told["kind"]]


def test_all_that_the_contract_names_is_supplied() -> None:
    """What canbao says that it supplies to every step is what it supplies."""
    assert set(_applicants(3).of(1)) == set(FAMILY)


def test_a_family_is_the_same_for_the_same_run_and_another_in_another() -> None:
    """Seed, run and number make a family; another run has other accounts."""
    assert _applicants(9, run="one").of(5) == _applicants(9, run="one").of(5)
    one, other = _applicants(9, run="one").of(5), _applicants(9, run="two").of(5)
    assert all(one[name] != other[name] for name in ("user_name", "telephone", "child_number"))


def test_more_families_than_numbers_are_refused() -> None:
    """A family beyond the invented numbers is an error that says so, not a number that somebody has already."""
    with pytest.raises(InputError, match="too few for family"):
        Applicants({}, _HORIZON, 7).of(999 * 2100)


@pytest.mark.parametrize("name", PAPER_IMAGES)
@pytest.mark.parametrize("size", [1_000, 6_000, 20_000, 150_000])
def test_pictures_have_the_size_asked_for_and_can_be_opened(name: str, size: int) -> None:
    """Each picture is a PNG of exactly so many bytes that another library opens."""
    image, kind, file = _applicants(3, paper_bytes=size).paper(name)
    assert (len(image), kind, file) == (size, "image/png", f"{name}.png")
    with Image.open(BytesIO(image)) as opened:
        opened.load()
        assert min(opened.size) >= 64


def test_pictures_are_made_once() -> None:
    """The same bytes are given each time, not equal ones."""
    some = _applicants(3)
    some.prepare({"portrait": "photo"})
    assert some.paper("photo")[0] is some.paper("photo")[0]
