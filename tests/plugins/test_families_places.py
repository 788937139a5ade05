"""Places: provinces, cities and districts that belong together, held against the table of python-stdnum."""

from __future__ import annotations

import pytest
from stdnum.cn import ric
from stdnum.exceptions import InvalidComponent

from canbao.errors import InputError
from canbao_plugins.families.places import Place, all_places, places_within


def _born(code: str, year: int) -> dict[str, str]:
    """Give what the table knows of an area code for somebody born in that year."""
    return ric.get_birth_place(f"{code}{year}12310010")


def _in_force(code: str, year: int) -> bool:
    try:
        return bool(_born(code, year))
    except (InvalidComponent, KeyError):  # a KeyError where the table knows the province only
        return False


def test_every_district_belongs_to_its_city_and_province() -> None:
    """All three names of a place stand in the table under the digits of its code."""
    for place in all_places():
        known = _born(place.code, 2025)
        assert known["province"] == place.province, place
        assert (place.district or place.city) in known["county"], place
        if place.city:
            assert place.city in _born(place.code[:4] + "00", 2025)["county"], place


def test_codes_are_distinct_and_in_order() -> None:
    """No code appears twice, so that a code says one place."""
    codes = [place.code for place in all_places()]
    assert codes == sorted(set(codes))
    assert all(len(code) == 6 and code.isdigit() for code in codes)


def test_a_code_is_in_force_since_the_year_that_the_place_says_and_not_before() -> None:
    """The first year is exact: the table knows the code in that year and not in the year before."""
    for place in all_places():
        assert _in_force(place.code, max(place.since, 1950)), place
        assert not place.since or not _in_force(place.code, place.since - 1), place


def test_all_mainland_provinces_and_their_cities_are_there() -> None:
    """31 provinces; every prefecture that the table knows today has a district, or stands for itself."""
    assert len({place.province for place in all_places()}) == 31
    prefectures = {place.code[:4] for place in all_places()}
    provinces = sorted({place.code[:2] for place in all_places()})
    known = {f"{province}{number:02d}" for province in provinces for number in range(1, 100)}
    # Left over in the table: 4229, a prefecture whose last county, Shennongjia, is now under the province.
    assert {code for code in known - prefectures if _in_force(code + "00", 2025)} == {"4229"}


def test_places_within_a_code_are_those_that_begin_with_it() -> None:
    """A province holds its cities, a city its districts, a district itself; nothing holds everything."""
    district, city, province, everywhere = (places_within(code) for code in ("320582", "3205", "32", ""))
    assert [place.name for place in district] == ["江苏省苏州市张家港市"]
    assert set(district) < set(city) < set(province) < set(everywhere) == set(all_places())


@pytest.mark.parametrize("code", ["999999", "3", "32058", "3205820", "苏州"])
def test_a_code_of_no_place_is_refused_with_what_is_allowed(code: str) -> None:
    """The message shows the code and says how codes look."""
    with pytest.raises(InputError, match=rf"{code}.*allowed.*GB/T 2260"):
        places_within(code)


def test_a_municipality_and_a_city_without_districts_are_not_named_twice() -> None:
    """Beijing is province and city in one; Dongguan has no districts."""
    assert places_within("110108") == (Place("110108", "北京市", "", "海淀区", 0),)
    assert places_within("4419")[0].name == "广东省东莞市"
