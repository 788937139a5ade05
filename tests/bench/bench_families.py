"""How fast families are made: columns against a plain loop, identities against plain Faker, in one process.

Run it as a script. Each figure is the best of a few rounds, as other programs can only make one slower.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import date

from faker import Faker

from canbao.calendar import Horizon
from canbao.columns import Column, numbers_of
from canbao.luck import Luck
from canbao_plugins.families import PAPERS, City
from canbao_plugins.families.identities import Identities
from canbao_plugins.families.papers import paper_image

SEASON = Horizon(date(2025, 9, 1), date(2026, 2, 28))
CITY = City(kind="city")


def _seconds(work: Callable[[], object], rounds: int = 3) -> float:
    best = float("inf")
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    return best


def _loop(families: int) -> list[tuple[object, ...]]:
    """Draw the same attributes in the plain way: one family after the other, from a generator of its own."""
    made: list[tuple[object, ...]] = []
    for family in range(families):
        rng = random.Random(family)
        children = rng.choices((1, 2, 3), (0.58, 0.36, 0.06))[0]
        newborn = rng.random() < CITY.births_per_thousand / 1000.0
        under_six = sum(rng.random() < CITY.pre_school for _ in range(children - newborn))
        category = rng.choices(range(7), (0.93, 0.025, 0.003, 0.008, 0.0005, 0.03, 0.005))[0]
        place = (rng.random() < CITY.rural, rng.random() < CITY.registered_elsewhere)
        papers = sum((rng.random() < getattr(CITY.papers, paper)) << bit for bit, paper in enumerate(PAPERS))
        made.append((children, newborn, under_six, category, place, rng.betavariate(6.0, 3.0), papers, rng.random()))
    return made


def _faker(families: int) -> list[list[tuple[str, ...]]]:
    """Three people with name, number, address and telephone for each family, as Faker gives them."""
    fake = Faker("zh_CN")
    return [[(fake.name(), fake.ssn(), fake.address(), fake.phone_number()) for _ in range(3)] for _ in range(families)]


def _ours(made: Identities, families: int, columns: dict[str, Column]) -> None:
    for family in range(families):
        made.identity(family, columns)


def _columns() -> None:
    million, few = 1_000_000, 20_000
    ours = _seconds(lambda: CITY.columns(Luck(1), million, SEASON))
    loop = _seconds(lambda: _loop(few)) * million / few
    print(f"columns of 1,000,000 families   {ours:8.3f} s   plain loop {loop:8.2f} s   {loop / ours:6.1f} times faster")


def _identities() -> None:
    families = 2_000
    columns = CITY.columns(Luck(1), families, SEASON)
    people = 2.0 + float(numbers_of(columns["children"]).mean())
    made = Identities(1, SEASON)
    ours = _seconds(lambda: _ours(made, families, columns)) / families * 1000.0
    faker = _seconds(lambda: _faker(families)) / families * 1000.0
    print(
        f"identity of one family          {ours:8.3f} ms  plain Faker {faker:7.3f} ms {faker / ours:6.1f} times faster"
    )
    print(f"   ours: {people:.2f} people a family and one address; Faker: three people, an address each")


def _papers() -> None:
    identity = Identities(1, SEASON).identity(0, CITY.columns(Luck(1), 1, SEASON))
    for paper in ("identity_card_front", "photo"):
        print(f"image: {paper:<24} {_seconds(lambda paper=paper: paper_image(identity, paper)) * 1000.0:8.1f} ms")  # type: ignore[misc]


def main() -> None:
    """Measure and print everything."""
    _columns()
    _identities()
    _papers()


if __name__ == "__main__":
    main()
