"""How much memory a run needs and how much there is: a run that does not fit is refused before it starts.

The need is a sum over what is there at the same time::

    plan        its columns, arrivals and first steps, as they are
    an engine   SimPy     a list of Python numbers for each quantity that is drawn, and a row for each visit
                compiled  what the kernel has written down, before it is a table
    tables      families and visits, by engine
    measures    what measures, laws and the Parquet files take besides

Bytes a family and a visit were measured as the growth of the resident memory with the number of families, in the
eleven scenarios that come with canbao. How many visits there will be nobody knows before; 13 a family is the most that
one of them has. So the sum came out between what was met and 1.5 times that, where families make 8 to 13 visits, and
at up to 2.2 times where they make 3.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from canbao.arrays import AnyArray
from canbao.columns import Column, numbers_of
from canbao.errors import TooLargeError
from canbao.plan import Draw, Plan, VisitStep

__all__ = ["ANY_SIZE", "Need", "available", "check_memory", "need_of_families", "need_of_run", "visits_a_family"]

ANY_SIZE = "CANBAO_ANY_SIZE"
"""Set in the environment, it lets every run start."""

_VISITS = 13
"""Visits a family."""
_PLANNED = 500
"""Bytes of a family in a plan: some fifty columns of up to 8 bytes."""
_VALUE = 50
"""Bytes of a family's number in a list: 8 for the place, 24 for the number, the rest for later attempts."""
_VISITING = {"simpy": 200, "compiled": 80}
"""Bytes of a visit in an engine."""
_ARRIVING = {"simpy": 100, "compiled": 150}
"""Bytes of a family in an engine, besides what is drawn."""
_VISIT_ROW = 47
"""Bytes of a visit in its table: five columns of 8 bytes, and words as numbers of 4, 2 and 1."""
_FAMILY_ROW = 62
"""Bytes of a family in its table, without events and what the population knows."""
_MEASURED = 160
"""Bytes of a visit in measures, laws and files."""
_UNLIMITED = 1 << 60
"""Limits from here on are none: version 1 of control groups writes a very large number."""


@dataclass(frozen=True)
class Need:
    """An estimate, in bytes."""

    families: int
    parts: Mapping[str, float]

    @property
    def total(self) -> float:
        """All parts together."""
        return sum(self.parts.values())

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {_size(size)}" for name, size in self.parts.items())
        return f"about {_size(self.total)} of memory for {self.families:,} families ({parts})"


def _size(size: float) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"


def need_of_families(families: int) -> Need:
    """Estimate what a plan needs, before it is made."""
    return Need(families, {"plan": families * _PLANNED})


def need_of_run(plan: Plan, engines: Sequence[str], *, measured: bool = True, tables: bool = True) -> Need:
    """Estimate what a run needs.

    Parameters
    ----------
    plan
        What is to be run.
    engines
        The names of the engines that run it.
    measured
        Whether measures are taken and files written.
    tables
        Whether the visits are kept.
    """
    families, visits = plan.families, plan.families * visits_a_family(plan)
    parts: dict[str, float] = {"plan": _bytes([plan.arrival, plan.first_step, *plan.columns.values()])}
    for name in engines:
        # SimPy keeps what it draws; the kernel has the columns of a plan once more, family by family.
        known = _VALUE * _numbers_drawn(plan) if name == "simpy" else 8 * len(plan.columns)
        parts[name] = families * (_ARRIVING[name] + known) + visits * _VISITING[name] * tables
    public = [column for name, column in plan.columns.items() if not name.startswith("_")]
    row = families * (_FAMILY_ROW + 8 * len(plan.marks)) + _bytes(public)
    parts["tables"] = len(engines) * (row + visits * _VISIT_ROW) * tables
    if measured:
        parts["measures"] = (row + visits * _MEASURED) * tables
    return Need(families, parts)


def visits_a_family(plan: Plan) -> int:
    """Give how often a family visits a place: in a network of few steps each of them once, and one again."""
    return min(_VISITS, 1 + sum(isinstance(step, VisitStep) for step in plan.steps))


def _bytes(columns: Iterable[Column]) -> int:
    arrays: Iterator[AnyArray] = (np.asarray(numbers_of(column)) for column in columns)
    return sum(array.nbytes for array in arrays)


def _numbers_drawn(plan: Plan) -> int:
    """Count the quantities of which SimPy keeps a list: each that is drawn, and each constant once."""
    draws = {draw for step in plan.steps for draw in _draws_of(step)} | {station.order for station in plan.stations}
    return len({draw.value if draw.constant else draw for draw in draws})


def _draws_of(part: object) -> Iterator[Draw]:
    values = [getattr(part, each.name) for each in fields(part)]  # type: ignore[arg-type] # every step is a dataclass
    options = [value for option in getattr(part, "options", ()) for value in option]
    yield from (value for value in (*values, *options) if isinstance(value, Draw))


def check_memory(
    need: Need, remedies: Sequence[str], there: int | None, environment: Mapping[str, str] = os.environ
) -> None:
    """Refuse what does not fit.

    Parameters
    ----------
    need
        The estimate.
    remedies
        What the user can do, each as the end of a sentence that begins with "to make it fit".
    there
        How many bytes are available, `available()`; None if that is not known.
    environment
        Where `ANY_SIZE` may be set.

    Raises
    ------
    TooLargeError
        When it does not fit.
    """
    if there is None or need.total <= there or environment.get(ANY_SIZE):
        return
    fitting = "".join(f"{remedy}; " for remedy in remedies)
    raise TooLargeError(
        f"this needs {need}, but {_size(max(there, 0))} are available; {fitting}"
        f"{ANY_SIZE}=1 in the environment starts it all the same"
    )


# --- what is available ------------------------------------------------------------------------------------------------


def available(root: Path = Path("/")) -> int | None:
    """Give how many bytes this process can still take: the least of what the system and its limits leave.

    That is MemAvailable of the system, which counts caches that can be given up; what is left in each control group
    that the process is in, as containers and cluster jobs have them (psutil knows nothing of these); and what
    `ulimit -v` leaves. Where the system says nothing of this, it is all the memory of the machine, and None where not
    even that is known.

    Parameters
    ----------
    root
        Where the file system of the machine begins.
    """
    found = [*_of_system(root), *_of_groups(root), *_of_limit(root)]
    return min(found, default=None)


def _of_system(root: Path) -> Iterator[int]:
    for line in _lines(root / "proc/meminfo"):
        if line.startswith("MemAvailable:"):
            yield 1024 * int(line.split()[1])
            return
    with suppress(ValueError, OSError, AttributeError):
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _of_groups(root: Path) -> Iterator[int]:
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        base = root / "sys/fs/cgroup"
        if not controllers:  # version 2
            names = ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):  # version 1
            base, names = base / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        # Each group above limits, too. In a container the path may be one of the machine outside; then only its own
        # group, the uppermost that can be seen, is there.
        group = base / path.lstrip("/")
        for folder in (group, *group.parents):
            yield from _of_group(folder, *names)
            if folder == base:
                break


def _of_group(folder: Path, limit: str, used: str, cached: str) -> Iterator[int]:
    with suppress(OSError, ValueError):  # no such group, or no limit: `max`
        most = int((folder / limit).read_text())
        if most < _UNLIMITED:
            pages = (int(line.split()[1]) for line in _lines(folder / "memory.stat") if line.split()[0] == cached)
            yield most - int((folder / used).read_text()) + next(pages, 0)


def _of_limit(root: Path) -> Iterator[int]:
    with suppress(ImportError, ValueError):  # not on Windows
        from resource import RLIM_INFINITY, RLIMIT_AS, getrlimit

        most, _ = getrlimit(RLIMIT_AS)
        for line in _lines(root / "proc/self/status"):
            if most != RLIM_INFINITY and line.startswith("VmSize:"):
                yield most - 1024 * int(line.split()[1])


def _lines(path: Path) -> list[str]:
    with suppress(OSError):
        return path.read_text(encoding="utf-8").splitlines()
    return []
