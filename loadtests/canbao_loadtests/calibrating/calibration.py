"""A load test's word on every assumption, kept in its folder."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from canbao.arrays import FloatArray
from canbao.distributions import Distribution
from canbao.experiments.assumptions import CALIBRATION
from canbao.experiments.folder import json_text, write_atomically
from canbao.experiments.predicting import told_measures, value_of
from canbao.plan import VisitStep
from canbao.plugins import Plugins
from canbao.runs.run import SCENARIO
from canbao_loadtests.calibrating import assumptions as assumed
from canbao_loadtests.calibrating.assumptions import Assumption, Move
from canbao_loadtests.calibrating.chance import chances
from canbao_loadtests.calibrating.evidence import Evidence, read_evidence
from canbao_loadtests.calibrating.fragment import fragment_text
from canbao_loadtests.calibrating.payments import fit_payments
from canbao_loadtests.calibrating.repeating import Repeater
from canbao_loadtests.calibrating.replaying import Replay
from canbao_loadtests.calibrating.reviewing import SIMULATIONS, ReviewFit, fit_review
from canbao_loadtests.calibrating.shares import fit_shares
from canbao_loadtests.calibrating.slots import SlotsFit, fit_slots
from canbao_loadtests.driving.schedule import SCHEDULE, Schedule

__all__ = ["THOROUGH", "Calibration", "Check", "Effort", "calibrate", "calibrate_evidence", "keep"]

_SEEDS = 12
_LONGEST_REPLAY = 20_000
"""Visits that are replayed at most, the first ones."""
_TOLD = 20
"""Measures of which an assumption says how they would move, at most."""
_LEAST_MOVE = 1e-6
_FEWEST_TOGETHER = 6
"""Assumptions of the review, its speed and what it returns, and debits."""
_LUCKS, _LEAST_LUCKS = 20, 8
"""Simulations with other luck, and so many at least."""
_KEPT = ("objectives.", "families.", "deadline.", "review.", "spent.", "stays.", "load.", "newborns.", "failures.")
"""Measures of which it is kept what chance makes of them, by their beginnings."""

Watch = Callable[[str], None]
"""Is told what is being looked at."""

Left = Literal["review", "check", "moves", "chance"]
"""What takes simulations, and is left out where there is no time for it."""


@dataclass(frozen=True)
class Effort:
    """How many seconds may go into simulations; what does without any is done always.

    Parameters
    ----------
    in_all
        On everything; what would take longer than what is left is left out.
    chance
        On what chance explains.
    """

    in_all: float = math.inf
    chance: float = 60.0


THOROUGH = Effort()
"""What `canbao calibrate` takes."""


@dataclass(frozen=True)
class Check:
    """Whether a queue of the fitted slots explains the stays that were measured, at the very same arrivals.

    Parameters
    ----------
    measured_s
        Mean and 95th percentile of the stays.
    replayed_s
        The same of the fitted queue, means over several drawings of the services.
    spread_s
        The standard deviations of these over the drawings.
    """

    measured_s: tuple[float, float]
    replayed_s: tuple[float, float]
    spread_s: tuple[float, float]

    @property
    def fits(self) -> bool:
        """Whether both are within three standard deviations, or a fifth: else slots do not describe the deployment."""
        pairs = zip(self.measured_s, self.replayed_s, self.spread_s, strict=True)
        return all(abs(seen - said) <= max(3.0 * spread, 0.2 * seen) for seen, said, spread in pairs)

    def as_data(self) -> dict[str, Any]:
        """Give it as JSON."""
        names = ("measured_s", "replayed_s", "spread_s")
        return {"fits": self.fits, **{name: list(getattr(self, name)) for name in names}}


@dataclass(frozen=True)
class Calibration:
    """What a load test says of its scenario.

    Parameters
    ----------
    evidence
        The load test.
    slots, review
        What was fitted; None where too little happened.
    check
        Whether a queue explains the stays; None without slots.
    assumptions
        Each assumption of the scenario about the deployment.
    chance
        What the prediction gives with other luck of the deployment, by measure; its mean and spread say which
        difference chance explains. Empty where there was no time for it.
    simulations
        How often the load test was simulated for it all.
    left_out
        What there was no time for.
    """

    evidence: Evidence
    slots: SlotsFit | None
    review: ReviewFit | None
    check: Check | None
    assumptions: tuple[Assumption, ...]
    chance: Mapping[str, FloatArray]
    simulations: int
    left_out: tuple[Left, ...] = ()

    @property
    def overrides(self) -> tuple[str, ...]:
        """The `path=value` texts of everything that is off."""
        return tuple(text for one in self.assumptions for text in one.remedy)

    def fragment(self, out: Path) -> str:
        """Give what was fitted as a scenario that will lie at `out`."""
        run = self.evidence.run
        return fragment_text(self.assumptions, str(run.manifest["run"]), run.folder / SCENARIO, out)

    def as_data(self) -> dict[str, Any]:
        """Give everything as JSON."""
        return {
            "format": 1,
            "run": self.evidence.run.manifest["run"],
            "scenario": self.evidence.run.manifest["scenario"],
            "assumptions": [one.as_data() for one in self.assumptions],
            "deployment": _slots_data(self.slots),
            "check": self.check.as_data() if self.check else None,
            "review": _review_data(self.review),
            "simulations": self.simulations,
            "left_out": list(self.left_out),
            "chance": {name: _or_none(values) for name, values in self.chance.items()},
        }


def _or_none(values: FloatArray) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]


def _slots_data(fit: SlotsFit | None) -> dict[str, Any] | None:
    if fit is None:
        return None
    slots = {name: value if math.isfinite(value) else None for name, value in vars(fit).items() if name in _ENDS}
    services = [dict(vars(service)) for service in fit.services]
    return {
        **slots,
        "most": fit.most,
        "refused": fit.refused,
        "busy_share": fit.busy_share,
        "never_quiet": fit.contaminated,
        "services": services,
    }


_ENDS = ("slots", "low", "high", "room")


def _review_data(fit: ReviewFit | None) -> dict[str, Any] | None:
    if fit is None:
        return None
    return {
        "factor": fit.factor if math.isfinite(fit.factor) else None,
        "low": fit.low,
        "high": fit.high if math.isfinite(fit.high) else None,
        "desk": fit.desk,
        "hours": fit.hours.as_data(),
        "predicted_hours": fit.predicted_hours,
        "rounds": fit.rounds,
    }


def calibrate(
    folder: str | Path,
    plugins: Plugins,
    *,
    level: float = 0.95,
    effort: Effort = THOROUGH,
    watch: Watch | None = None,
) -> Calibration:
    """Say what a load test tells of its scenario's assumptions.

    Parameters
    ----------
    folder
        Of the load test.
    plugins
        What its scenario is read with.
    level
        How often all intervals cover the truth at once.
    effort
        How long it may take.
    watch
        Is told what is being looked at.

    Raises
    ------
    InputError
        When the run is no load test.
    StorageError
        When a file of it is missing or damaged.
    """
    tell = watch or _nobody
    tell("reading")
    return calibrate_evidence(read_evidence(folder, plugins), plugins, level=level, effort=effort, watch=tell)


def _nobody(_: str) -> None:
    """Hear nothing."""


def calibrate_evidence(  # noqa: PLR0913 - each of these is a choice of the user's
    evidence: Evidence,
    plugins: Plugins,
    *,
    level: float = 0.95,
    effort: Effort = THOROUGH,
    watch: Watch = _nobody,
    clock: Callable[[], float] = time.monotonic,
) -> Calibration:
    """Say what a load test that was read tells of its scenario's assumptions; `clock` tells seconds."""
    # All intervals hold together with `level` (Bonferroni): else one of so many would often be off by chance.
    level = 1.0 - (1.0 - level) / (_FEWEST_TOGETHER + 2 * len(evidence.asked.names))
    bench = _Bench(evidence, Repeater(evidence, plugins), clock() + effort.in_all, clock)
    watch("slots")
    slots = fit_slots(evidence.asked, level)
    debits = list(assumed.payments(evidence, fit_payments(evidence, level)))
    portal = [*assumed.requests(evidence, slots), *assumed.slots(evidence, slots), *debits]
    shares = list(assumed.shares(evidence, fit_shares(evidence, level)))
    watch("review")
    review = bench.review(tuple(text for one in (*portal, *shares) for text in one.remedy), level)
    speed = assumed.review_speed(evidence, review, "no time" if "review" in bench.left_out else "few applications")
    came = assumed.arrivals(evidence, _scheduled(evidence))
    watch("moves")
    found = tuple(bench.moving(one) for one in (came, *portal, speed, *shares))
    check = bench.check(slots)
    watch("chance")
    chance = bench.chance(effort.chance)
    left_out, simulations = tuple(dict.fromkeys(bench.left_out)), bench.repeater.simulations
    return Calibration(evidence, slots, review, check, found, chance, simulations, left_out)


@dataclass
class _Bench:
    """Where a load test is simulated again, as long as there is time."""

    evidence: Evidence
    repeater: Repeater
    end: float
    clock: Callable[[], float]
    left_out: list[Left] = field(default_factory=list)

    def _may(self, what: Left, seconds: float) -> bool:
        """Tell whether there is time for something; else note that it was left out."""
        if self.clock() + seconds <= self.end:
            return True
        self.left_out.append(what)
        return False

    def review(self, fitted: tuple[str, ...], level: float) -> ReviewFit | None:
        """Fit the speed of the review, if the simulation of what else was fitted shows that there is time for it."""
        if not self._may("review", self.evidence.plan_s if fitted else 0.0):
            return None
        self.repeater.predict(fitted)
        if self.repeater.simulations == 1:
            self.repeater.with_luck(0, fitted)  # the first time, an engine is loaded
        if not self._may("review", SIMULATIONS * self.repeater.took_s):
            return None
        return fit_review(self.evidence, self.repeater, fitted, level)

    def moving(self, one: Assumption) -> Assumption:
        """Give an assumption with what putting it right does to the prediction."""
        if not one.remedy or not self._may("moves", self.evidence.plan_s + _LONGER * self.repeater.took_s):
            return one
        return one.moving(_moves(one, self.repeater))

    def check(self, slots: SlotsFit | None) -> Check | None:
        """Play the arrivals to a queue of the fitted slots."""
        seconds = _SEEDS * min(len(self.evidence.asked), _LONGEST_REPLAY) * _REPLAYED_S
        return _check(self.evidence, slots) if self._may("check", seconds) else None

    def chance(self, seconds: float) -> dict[str, FloatArray]:
        """Give what simulations with other luck give, of the measures that are kept."""
        wanted = _LONGER * _LEAST_LUCKS * self.repeater.took_s
        if wanted > seconds or not self._may("chance", wanted):
            self.left_out.append("chance")
            return {}
        seconds = min(seconds, self.end - self.clock())
        found = chances(lambda number: self.repeater.with_luck(number).measures, _LUCKS, seconds, self.clock)
        return {name: found[name] for name in self.repeater.predict().measures if name in found and _is_kept(name)}


_LONGER = 3.0
"""How many times as long as a simulation it takes with all its measures."""
_REPLAYED_S = 20e-6
"""How long the replay of a visit takes."""


def _is_kept(name: str) -> bool:
    return name.startswith(_KEPT)


def keep(calibration: Calibration) -> Path:
    """Keep a calibration in the folder of its load test, where `canbao compare` finds it; give the path.

    Raises
    ------
    StorageError
        When it cannot be written.
    """
    path = calibration.evidence.run.folder / CALIBRATION
    write_atomically(path, json_text(calibration.as_data()))
    return path


def _scheduled(evidence: Evidence) -> int:
    return len(Schedule.load(evidence.run.folder / SCHEDULE))


def _moves(one: Assumption, repeater: Repeater) -> tuple[Move, ...]:
    """Say what an assumption put right does to the prediction, the largest changes first, in shares of what was."""
    before, after = repeater.predict().measures, repeater.predict(one.remedy).measures
    found = {name: value_of(after, name) - value_of(before, name) for name in told_measures(before, after)}
    sizes = {name: abs(by) / max(abs(value_of(before, name)), 1e-9) for name, by in found.items() if math.isfinite(by)}
    largest = sorted((name for name, size in sizes.items() if size > _LEAST_MOVE), key=lambda name: -sizes[name])
    return tuple(Move(name, found[name]) for name in largest[:_TOLD])


def _check(evidence: Evidence, fit: SlotsFit | None) -> Check | None:
    """Play the arrivals to a queue of the fitted slots."""
    if fit is None or fit.quiet is None or not len(evidence.asked):
        return None
    asked = evidence.asked
    if len(asked) > _LONGEST_REPLAY:
        asked = asked.where(np.arange(len(asked)) < _LONGEST_REPLAY)
    replay = Replay(asked, fit.quiet, tuple(_patience(evidence, name) for name in asked.kinds))
    slots = max(round(fit.slots), 1) if math.isfinite(fit.slots) else math.inf
    said = np.array([_mean_and_p95(replay.stays(slots, seed)) for seed in range(_SEEDS)])
    mean, p95 = _mean_and_p95(asked.stay)
    averages, spreads = said.mean(axis=0).tolist(), said.std(axis=0, ddof=1).tolist()
    return Check((mean, p95), (averages[0], averages[1]), (spreads[0], spreads[1]))


def _mean_and_p95(stays: FloatArray) -> tuple[float, float]:
    return float(stays.mean()), float(np.quantile(stays, 0.95))


def _patience(evidence: Evidence, kind: str) -> Distribution | None:
    """Give how long families wait in a kind of visit, as the plan has it; None for no end."""
    step = evidence.plan.steps[evidence.plan.step_names.index(kind)]
    assert isinstance(step, VisitStep)
    return step.patience.distribution
