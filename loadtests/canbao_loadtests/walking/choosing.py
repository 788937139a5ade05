"""Choices on the way: by luck as in the simulation; queues are not seen, so that none is longer than another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

from canbao.network import Option
from canbao.plan import ChooseStep, Draw, OptionPlan, Plan

__all__ = ["chosen"]


def chosen(step: ChooseStep, channel: int, value: Callable[[Draw], float], plan: Plan) -> int:
    """Give the step that a family goes to.

    Parameters
    ----------
    step
        The choice.
    channel
        The channel in which the family is, -1 for none.
    value
        Gives the family's value of a draw at this attempt.
    plan
        For the names that somebody's own rule is told.
    """
    options = [option for option in step.options if not step.others or option.journey != channel] or list(step.options)
    if callable(step.rule):
        words = [_words(option, plan) for option in options]
        state = {
            station.name: {"waiting": 0, "busy": 0, "servers": station.changes[0].servers} for station in plan.stations
        }
        return options[step.rule(words, state)].to
    if step.rule == "weight":
        return _by_weight(step, options, value)
    return min(options, key=lambda option: value(option.travel)).to


def _by_weight(step: ChooseStep, options: Sequence[OptionPlan], value: Callable[[Draw], float]) -> int:
    reached = list(accumulate(value(option.weight) for option in options))
    if not reached[-1] and len(options) < len(step.options):  # no other channel is for it: it stays with its own
        return _by_weight(step, step.options, value)
    mark = value(step.luck) * reached[-1]
    passing = (option.to for option, passed in zip(options, reached, strict=True) if mark < passed)
    return next(passing, options[-1].to)


def _words(option: OptionPlan, plan: Plan) -> Option:
    station = plan.stations[option.station].name if option.station >= 0 else ""
    return Option(plan.step_names[option.to], station=station)
