"""The contenders of our own: both engines, with samples drawn while they run or found in columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from canbao.counters import Watch
from canbao.engines import engine_named
from canbao.errors import InputError
from canbao.plan import Plan
from canbao.trace import Trace

if TYPE_CHECKING:
    from canbao.engines.counting import Counted
from contenders import AbsentError, Case
from enrolment import STATIONS, Visits, difference, visits_of


class _OnEngine:
    """A plan on an engine; the plan is made before, the luck is drawn while it runs."""

    draws = True
    checked = "visits equal, bit for bit"

    def __init__(self, plan: Plan, engine: str) -> None:
        try:
            self.plan, self.engine = plan, engine_named(engine)
        except InputError as error:
            raise AbsentError(str(error)) from error

    def run(self) -> Trace:
        """Simulate all families."""
        return self.engine.run(self.plan)

    def fault(self, reference: Visits) -> str:
        """Compare all visits."""
        return difference(visits_of(self.run()), reference)


class SimpyEngine(_OnEngine):
    """The specification."""

    title = "canbao, SimPy engine"

    def __init__(self, case: Case) -> None:
        super().__init__(case.plan, "simpy")


class CompiledEngine(_OnEngine):
    """The compiled engine as it is used: full trace, drawing included."""

    title = "canbao, compiled engine"

    def __init__(self, case: Case) -> None:
        super().__init__(case.plan, "compiled")


class CompiledDrawn(_OnEngine):
    """The compiled engine with samples at hand, as those contenders have them that cannot draw ours."""

    title = "canbao, compiled engine, samples in columns"
    draws = False

    def __init__(self, case: Case) -> None:
        super().__init__(case.drawn_plan, "compiled")


class Summary:
    """The compiled engine in summary mode: visits are counted and not kept."""

    title = "canbao, compiled engine, summary mode"
    draws = True
    checked = "visits, endings and waits equal"

    def __init__(self, case: Case) -> None:
        from canbao.engines.compiled_engine import CompiledEngine as Engine

        self.plan, self.engine = case.plan, Engine()

    def run(self) -> Counted:
        """Simulate all families."""
        return self.engine.count(self.plan, Watch(), families=False)

    def fault(self, reference: Visits) -> str:
        """Compare what was counted, and what waits add up to, station by station."""
        counters = self.run().counters
        ended = np.where(np.isnan(reference.start), reference.leave, reference.start)
        waits = np.where(np.isnan(ended), self.plan.until, ended) - reference.enter
        for number, name in enumerate(STATIONS):
            here = reference.station == number
            found = counters.came[number].sum(), counters.endings[number, 0], counters.longest_s[number]
            expected = here.sum(), reference.served[here].sum(), waits[here].max()
            # Only the sum of waits may differ, in its last bits, because it was added up in another order.
            if found != expected or not np.isclose(counters.wait_s[number], waits[here].sum(), rtol=1e-9):
                return f"{name}: visits, served and longest wait are {found} and not {expected}, or waits differ"
        return ""
