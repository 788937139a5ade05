"""Places of China: provinces, cities and districts that belong together, with their GB/T 2260 codes.

`places.txt` holds the codes of the mainland in force in 2025, one a line: the code, the name and, where the
code is younger than the table behind it, the first year from which it was in force without a break. Two digits are a
province, four a prefecture, six a district or county. Municipalities have no prefecture of another name, nor have
counties under a province itself; four cities have no districts and stand with a code of six digits that ends in 00.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files

from canbao.errors import InputError

__all__ = ["Place", "all_places", "places_within"]


@dataclass(frozen=True, slots=True)
class Place:
    """One district or county with all that it belongs to."""

    code: str
    """GB/T 2260 code, six digits."""
    province: str
    city: str
    """The prefecture; empty in a municipality and directly under a province."""
    district: str
    """Empty in the four cities without districts."""
    since: int
    """First year from which the code was in force; 0 where the table does not go back so far."""

    @property
    def name(self) -> str:
        """Province, city and district in one word, as an address begins."""
        return self.province + self.city + self.district


@lru_cache(maxsize=1)
def all_places() -> tuple[Place, ...]:
    """Give all places in the order of their codes (read once; the table never changes)."""
    names: dict[str, str] = {}
    found = []
    for line in (files(__package__) / "places.txt").read_text(encoding="utf-8").splitlines():
        code, name, *since = line.split(" ")
        if len(code) < 6:
            names[code] = name
        else:
            found.append(_place(names, code, name, int(since[0]) if since else 0))
    return tuple(found)


def places_within(home: str) -> tuple[Place, ...]:
    """Give the places whose code begins with `home`: a province, a prefecture, one district, or with "" all.

    Raises
    ------
    InputError
        There is no such code.
    """
    found = tuple(place for place in all_places() if place.code.startswith(home))
    if not found or len(home) not in {0, 2, 4, 6}:
        near = get_close_matches(home, [place.code for place in all_places()], n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InputError(
            f"there is no place with code {home!r}; allowed: a GB/T 2260 code of a province (2 digits), a city (4) "
            f"or a district (6), as in places.txt{hint}"
        )
    return found


def _place(names: dict[str, str], code: str, name: str, since: int) -> Place:
    province, city = names[code[:2]], names.get(code[:4], "")
    if code.endswith("00"):
        return Place(code, province, name, "", since)
    return Place(code, province, city, name, since)
