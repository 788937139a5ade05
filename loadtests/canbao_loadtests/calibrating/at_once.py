"""What a load test says of its scenario's assumptions as soon as it is over, in a share of the time that it took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from canbao.errors import CanbaoError
from canbao.experiments.assumptions import CALIBRATION
from canbao.plan import Plan
from canbao.runs.run import Run
from canbao.trace import Trace
from canbao_loadtests.calibrating.calibration import Calibration, Effort, calibrate_evidence, keep
from canbao_loadtests.calibrating.evidence import evidence_of
from canbao_loadtests.load.folder import LoadFolder
from canbao_loadtests.load.telling import Telling

__all__ = ["effort_for", "fit_at_once"]

_SHARE = 0.05
_LEAST_S = 4.0
"""With 500 families everything takes 2.2 s of a core, and what needs no simulation 0.1 s."""


def effort_for(duration_s: float) -> Effort:
    """Give how long the fit may take: a twentieth of the load test, so that nobody waits for it, or a few seconds."""
    return Effort(in_all=max(_SHARE * duration_s, _LEAST_S), chance=_SHARE * duration_s)


def fit_at_once(load: LoadFolder, plan: Plan, trace: Trace, telling: Telling) -> Mapping[str, Any]:
    """Hold the assumptions of a scenario against a load test that has just ended, and keep what is found.

    Returns
    -------
    Part `fit` of the summary: `assumptions` as `canbao calibrate` gives them, `left_out` for want of time; or the
    `problem` for which there are none.
    """
    try:
        found = _found(load, plan, trace, telling)
        keep(found)
    except (CanbaoError, ArithmeticError, ValueError, LookupError) as error:
        # What was measured is worth more than what is made of it: it is stored all the same.
        (load.path / CALIBRATION).unlink(missing_ok=True)
        return {"assumptions": None, "problem": str(error) or type(error).__name__, "left_out": []}
    assumptions = [one.as_data() for one in found.assumptions]
    return {"assumptions": assumptions, "problem": "", "left_out": list(found.left_out)}


def _found(load: LoadFolder, plan: Plan, trace: Trace, telling: Telling) -> Calibration:
    run = Run(load.path, {**load.manifest, "until_s": trace.until}, {})
    plan_s = telling.stages.seconds.get("plan", 0.0)
    evidence = evidence_of(run, trace, load.file, plan, load.job, plan_s)
    return calibrate_evidence(evidence, telling.plugins, effort=effort_for(load.job.duration_s))
