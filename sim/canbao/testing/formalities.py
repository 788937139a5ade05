"""Checks of formalities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from canbao.assembly.formalities import ENROLLED, INSURED
from canbao.assembly.review import INTAKE
from canbao.district import HAND_IN, District, Formality, Part
from canbao.measures.money import fees_law, ledger, papers_law
from canbao.network import End
from canbao.plugins import Plugins
from canbao.testing.channels import expect_part, outcomes, stated
from canbao.testing.trial import Trial, begin
from canbao.trace import INSIDE, Trace

__all__ = ["check_formality"]

_PLACES = ("before review", "after review", "afterwards")


def check_formality(
    model: type[Any], settings: Mapping[str, Any] | None = None, *, plugins: Plugins | None = None
) -> Trace:
    """Check a formality: every family of the small district meets it.

    Parameters
    ----------
    model
        The settings class that the plugin registers.
    settings
        What a scenario file says besides `kind`.
    plugins
        What else is registered; all that are installed if not given.

    Raises
    ------
    AssertionError
        With everything that must change.
    """
    trial = begin("formalities", model, settings, plugins, lambda table: {"formalities": {"one": table}})
    formality, district = trial.file().scenario.formalities["one"], trial.district()
    trial.behaves(formality, Formality)
    trial.insist(formality.place in _PLACES, f"`place` is {formality.place!r}; it must be one of {', '.join(_PLACES)}")

    def build(name: str, where: District) -> Part:
        part: Part = formality.build(name, where, HAND_IN)
        return part

    one = expect_part(trial, "formality", "build(name, district, onward)", build)
    _expect_undo(trial, formality, district)
    trace = trial.season()
    _expect_way_through(trial, one, trace)
    trial.findings.settle()
    return trace


def _expect_undo(trial: Trial, formality: Any, district: District) -> None:
    if hasattr(formality, "undo"):
        with trial.findings.calling("undo(name, district, onward)"):
            steps = list(formality.undo("one", district, HAND_IN))
        trial.expect(steps, "undo() must give at least one step; leave it out where there is nothing to take back")


def _expect_way_through(trial: Trial, part: Part, trace: Trace) -> None:
    """See that families come out of it, that no way falls off its end, and that neither fees nor papers are lost."""
    insured = ~np.isnan(np.asarray(trace.families[INSURED]))
    trial.expect(insured.any(), "nobody is enrolled: the ways through it must lead to the label `onward`")
    meant = stated(trial, part) | _ends_of_channels(trial) | {INSIDE, ENROLLED}
    fallen = ", ".join(sorted(outcomes(trace) - meant))
    ways = "each exit must lead to a step, to the label `onward`, to 'again' (GIVE_UP) or to an End"
    trial.expect(not fallen, f"families left through an exit that leads nowhere, as {fallen}: {ways}")
    family = np.asarray(trace.families["family"])
    for law in (fees_law(ledger(trace), family), papers_law(trace, INTAKE)):
        trial.expect(law.holds, f"a law does not hold: {law.name}: {law.detail}")


def _ends_of_channels(trial: Trial) -> set[str]:
    """Give the outcomes that the channels around it state: without an `undo` they have no journey of their own."""
    district, channels = trial.district(), trial.file().scenario.channels
    parts = [channel.build(name, district) for name, channel in channels.items()]
    return {step.outcome for part in parts for step in part.steps if isinstance(step, End)}
