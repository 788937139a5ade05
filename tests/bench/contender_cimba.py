"""The contender in Cimba's Python package: a compiled process a family on the Cimba engine, which is written in C.

It takes the samples from traces. It has no table of visits; it writes down every wait, station by station.
"""

from typing import Any

import cimba as cb
import numpy as np
from cimba import inputs

from contenders import Case
from enrolment import STATIONS, Samples, Visits


class Family(cb.Model):  # type: ignore[misc]
    """A family on its way; its fields are its samples."""

    office: cb.Ref["Office"]
    window_s: float
    patience_s: float
    review0_s: float
    review1_s: float
    review2_s: float
    review3_s: float
    card_s: float
    failures: float

    @cb.process  # type: ignore[untyped-decorator]
    def walk(self) -> None:
        """Go through the three desks."""
        office, enter = self.office, cb.now()
        me = cb.this_process()
        me.timer_set(self.patience_s, 42)
        signal = office.window.acquire()
        me.timers_clear()
        office.window_waits.record(cb.now() - enter)
        if signal == 42:
            office.abandoned += 1
            return
        cb.hold(self.window_s)
        office.window.release()
        attempt = 0
        while attempt <= self.failures and attempt < 4:
            enter = cb.now()
            if attempt > 0:
                cb.hold(0.0)  # let the next in the queue take the server that has just been released
            office.review.acquire()
            office.review_waits.record(cb.now() - enter)
            if attempt == 0:
                cb.hold(self.review0_s)
            elif attempt == 1:
                cb.hold(self.review1_s)
            elif attempt == 2:
                cb.hold(self.review2_s)
            else:
                cb.hold(self.review3_s)
            office.review.release()
            attempt += 1
        if self.failures < 4:
            enter = cb.now()
            office.card.acquire()
            office.card_waits.record(cb.now() - enter)
            cb.hold(self.card_s)
            office.card.release()


class Office(cb.Model):  # type: ignore[misc]
    """The three desks and those who come."""

    arrival: cb.Input[float]
    window_s: cb.Input[float]
    patience_s: cb.Input[float]
    review0_s: cb.Input[float]
    review1_s: cb.Input[float]
    review2_s: cb.Input[float]
    review3_s: cb.Input[float]
    card_s: cb.Input[float]
    failures: cb.Input[float]
    window: cb.Resource
    review: cb.Resource
    card: cb.Resource
    window_waits: cb.Dataset
    review_waits: cb.Dataset
    card_waits: cb.Dataset
    families: cb.Param[int]
    abandoned: cb.Output[int]

    @cb.process  # type: ignore[untyped-decorator]
    def come(self) -> None:
        """Let each family arrive in its time."""
        for _ in range(self.families):
            cb.hold(self.arrival.next() - cb.now())
            cb.spawn(
                Family,
                office=self,
                window_s=self.window_s.next(),
                patience_s=self.patience_s.next(),
                review0_s=self.review0_s.next(),
                review1_s=self.review1_s.next(),
                review2_s=self.review2_s.next(),
                review3_s=self.review3_s.next(),
                card_s=self.card_s.next(),
                failures=self.failures.next(),
            )


def _office(samples: Samples, *, keep_waits: bool) -> Office:
    """Fill in the samples; `keep_waits` makes every wait a result, and not only their mean."""
    office = Office()
    office.families = samples.families
    columns = {"arrival": samples.arrival, "window_s": samples.window, "patience_s": samples.patience}
    columns |= {f"review{attempt}_s": row for attempt, row in enumerate(samples.review)}
    failures = np.argmax([*samples.passes, np.ones(samples.families, dtype=np.bool_)], axis=0)
    columns |= {"card_s": samples.card, "failures": failures.astype(np.float64)}
    for name, column in columns.items():
        setattr(office, name, inputs.trace(column))
    for name in STATIONS:
        waits = cb.Dataset()
        if keep_waits:
            waits.capture()
        setattr(office, f"{name}_waits", waits)
        setattr(office, name, cb.Resource(capacity=1))
    return office


class Cimba:
    """Cimba's Python package, compiled before it is timed."""

    title = "Cimba, Python package"
    draws = False
    checked = "waits equal to 1 ms"

    def __init__(self, case: Case) -> None:
        self.samples = case.samples
        self.experiment = self._experiment(_office(case.samples, keep_waits=False))
        self.experiment.run(workers=1)

    def _experiment(self, office: Office) -> Any:
        return cb.Experiment(office, window=cb.Window(duration=self.samples.until))

    def run(self) -> Any:
        """Simulate all families on one thread."""
        return self.experiment.run(workers=1)

    def fault(self, reference: Visits) -> str:
        """Compare every wait, station by station in the order in which waits ended."""
        office = _office(self.samples, keep_waits=True)
        found = self._experiment(office).run(workers=1)[office]
        for number, name in enumerate(STATIONS):
            waits = getattr(found, f"{name}_waits").trial(0, 0)[1]
            expected = _waits(reference, number)
            if len(waits) != len(expected):
                return f"{len(waits):,} waits at the {name} and not {len(expected):,}"
            if not np.allclose(waits, expected, rtol=0, atol=1e-3):
                return f"waits at the {name} differ by up to {np.abs(waits - expected).max()} s"
        return ""


def _waits(visits: Visits, station: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    ended = np.where(np.isnan(visits.start), visits.leave, visits.start)
    here = (visits.station == station) & ~np.isnan(ended)
    ended, enter = ended[here], visits.enter[here]
    order = np.lexsort((enter, ended))
    return np.asarray((ended - enter)[order])
