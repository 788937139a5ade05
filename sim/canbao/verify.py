"""Are the engines right? Every case with a known answer, run and held against it.

>>> from canbao.verify import verify
>>> verify(only=["D/D/1"]).holds
True
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from canbao.engines import Progress
from canbao.engines.choosing import BOTH, named_engines
from canbao.engines.preparing import compile_engine
from canbao.errors import InputError
from canbao.verification import classes, lines, networks, streams
from canbao.verification.trials import Case, Quantity, Result, Row, run_case_on

__all__ = ["CASES", "Case", "Quantity", "Report", "Result", "Row", "verify"]

CASES: tuple[Case, ...] = (*lines.CASES, *classes.CASES, *networks.CASES, *streams.CASES)
"""All cases, in the order in which they are reported."""

Found = tuple[Result, ...]
"""What came out of a case, engine by engine."""


@dataclass(frozen=True)
class Report:
    """What came out of some cases."""

    engines: tuple[str, ...]
    seed: int
    precision: float
    results: tuple[Result, ...]
    """Case by case, and of each case engine by engine."""

    @property
    def holds(self) -> bool:
        """Whether every case holds on every engine, and the engines agree to the last bit."""
        return all(result.holds for result in self.results)


def verify(  # noqa: PLR0913 - all but the first by name
    engine: str = BOTH,
    *,
    seed: int = 0,
    only: Sequence[str] = (),
    precision: float = 0.01,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Report:
    """Run cases on engines and hold the results against theory, against published ones, and against each other.

    Parameters
    ----------
    engine
        `simpy`, `compiled` or `both`.
    seed
        All luck follows from it; two seeds have none in common. With another seed one exact row in a thousand fails
        although all is well, which is what a confidence of 99.9 % means.
    only
        Names of cases, or parts of names; all cases without.
    precision
        The largest relative half-width of the intervals around exact values; half of it takes four times as long.
    jobs
        How many processes work side by side; the results do not depend on it.
    progress
        Is told now and then which share of the cases is done.

    Raises
    ------
    InputError
        For an engine, a name, a precision or a number of jobs that makes no sense.
    UnsupportedError
        When an engine is not there.
    """
    chosen = _chosen(only)
    engines = named_engines(engine)
    if not 0 < precision <= 1 or jobs < 1:
        raise InputError(f"verify needs 0 < precision <= 1 and jobs >= 1, given {precision} and {jobs}")
    for each in engines:
        compile_engine(each)  # here, and not in every process
    results: list[Result] = []
    for number, found in enumerate(_results(chosen, engine, seed, precision, jobs), start=1):
        results += found
        if progress is not None:
            progress(number / len(chosen))
    return Report(tuple(each.name for each in engines), seed, precision, tuple(results))


def _chosen(only: Sequence[str]) -> list[int]:
    """Give the numbers of the cases whose names contain one of the words."""
    unknown = [word for word in only if not any(word in case.name for case in CASES)]
    if unknown:
        raise InputError(f"no case is named {unknown[0]!r}; there are: {'; '.join(case.name for case in CASES)}")
    return [n for n, case in enumerate(CASES) if not only or any(word in case.name for word in only)]


def _results(chosen: Sequence[int], engine: str, seed: int, precision: float, jobs: int) -> Iterator[Found]:
    if jobs == 1:
        yield from (_run(number, engine, seed, precision) for number in chosen)
        return
    # Cases hold functions, which do not travel between processes; a new process finds them by their numbers.
    with ProcessPoolExecutor(max_workers=min(jobs, len(chosen)), mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(_run, number, engine, seed, precision) for number in chosen]
        yield from (future.result() for future in futures)


def _run(number: int, engine: str, seed: int, precision: float) -> Found:
    return run_case_on(CASES[number], named_engines(engine), seed=seed, precision=precision)
