"""Whether there is what somebody asks for: told before the first replication, or right after it, not after the last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from canbao.experiments.experiment import Experiment
from canbao.experiments.measured import find_measure, is_told_always
from canbao.experiments.variants import Variant

__all__ = ["check_measures", "check_objectives"]

_OBJECTIVES = "objectives."


def check_objectives(measures: Iterable[str], objectives: Iterable[str]) -> None:
    """See that the measures that can only be objectives are objectives of the scenarios, before anything is simulated.

    Parameters
    ----------
    measures
        Names as somebody gave them. Those of other measures have a dot, and are left to `check_measures`.
    objectives
        The objectives of all scenarios, by their names.

    Raises
    ------
    InputError
        When there is no such objective; the message names the nearest ones.
    """
    names = list(dict.fromkeys(objectives))
    known = [_OBJECTIVES + name + what for name in names for what in ("", ".held")]
    for text in measures:
        if known and text not in names and ("." not in text or text.startswith(_OBJECTIVES)):
            find_measure(text, known)


def check_measures(experiment: Experiment, variants: Sequence[Variant], seed: int, measures: Sequence[str]) -> None:
    """Carry out the first replication of some variants, and see that they give what was asked for.

    They are part of the experiment, so that nothing is done twice. Where none of them succeeds, nothing is known yet.

    Parameters
    ----------
    experiment
        Keeps them.
    variants
        One is enough where all have the same places and objectives.
    seed
        The first.
    measures
        Names as somebody gave them; without any, nothing is carried out.

    Raises
    ------
    InputError
        When no variant gives one of them; the message names the nearest ones.
    """
    if not measures:
        return
    told = experiment.replicate(variants, [seed]).measures
    for text in measures:
        if told and is_told_always(text):
            find_measure(text, told)
