"""What a load test says of its scenario's assumptions, in words: stated, measured, and what would move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from canbao.experiments.forecast import (
    VERDICTS,
    WHY,
    assumption_name,
    assumptions_verdict,
    is_off,
    nothing_said,
    nothing_told,
)
from canbao.languages import Language

__all__ = ["fit_said", "measured_said", "moves_said", "stated_said", "verdict_of"]

_One = Mapping[str, Any]

_NAMED = 4
"""Assumptions that a sentence names at most."""


def fit_said(fit: Mapping[str, Any], language: Language) -> str:
    """Say which assumptions are not what was measured, with both; `fit` is part `load.fit` of a summary."""
    assumptions: Sequence[_One] | None = fit["assumptions"]
    if assumptions is None:
        return nothing_said([fit["problem"]], language)
    off = [one for one in assumptions if is_off(one)]
    if not off or nothing_told(assumptions):
        return assumptions_verdict(assumptions, language)
    told = [_pair(one, language) for one in off[:_NAMED]]
    if len(off) > _NAMED:
        told.append(language.plural("{n} more", "{n} more", len(off) - _NAMED))
    pairs = language.say_as("between clauses", "; ").join(told)
    said = language.say("Not as the scenario says: {pairs}.", pairs=pairs)
    unknown = sum(one["verdict"] == "not identified" for one in assumptions)
    if not unknown:
        return said
    rest = language.plural("{n} could not be identified.", "{n} could not be identified.", unknown)
    return language.say("{sentence} {next}", sentence=said, next=rest)


def _pair(one: _One, language: Language) -> str:
    return language.say(
        "{name}: stated {stated}, measured {measured}",
        name=assumption_name(one, language),
        stated=stated_said(one, language),
        measured=measured_said(one, language),
    )


def verdict_of(one: _One, language: Language) -> str:
    """Say the verdict on an assumption, and why it is not identified."""
    said, why = language.say(VERDICTS[one["verdict"]]), WHY[one["why"]]
    if not why:
        return said
    return language.say("{verdict} ({why})", verdict=said, why=language.say(why))


def stated_said(one: _One, language: Language) -> str:
    """Say what the scenario states; for a factor, that of the scenario itself."""
    return _value(one["stated"], one["unit"], language)


def measured_said(one: _One, language: Language) -> str:
    """Say what was measured, with its interval; what is known to one side only as a bound."""
    value, low, high = (None if one[key] is None else _value(one[key], one["unit"], language) for key in _ENDS)
    if value is None and low is None:
        return "–" if high is None else language.say("{high} or less", high=high)
    if value is None:
        return language.say("{low} or more", low=low)
    if low == high or (low is None and high is None):
        return value
    if high is None:
        return language.say("{value} ({low} or more)", value=value, low=low)
    if low is None:
        return language.say("{value} ({high} or less)", value=value, high=high)
    return language.say("{value} ({low} to {high})", value=value, low=low, high=high)


_ENDS = ("measured", "low", "high")


def _value(value: float, unit: str, language: Language) -> str:
    # The package of reports on experiments is loaded only for who has such numbers.
    from canbao.report.experiments.values import amount

    if unit == "a minute":
        return language.say("{number} families a minute", number=amount(value, "", language))
    if unit == "s":  # of a request, a tenth matters
        return f"{value:.3g} {language.say_as('unit', 's')}"
    return f"× {value:.3g}" if unit == "factor" else amount(value, unit, language)


def moves_said(one: _One, language: Language, most: int) -> list[str]:
    """Say by how much some measures of the prediction would move if an assumption were put right."""
    from canbao.experiments.meaning import meaning_of
    from canbao.report.experiments.values import change

    found = one["moves"][:most]
    units = [meaning_of(move["measure"]).unit for move in found]
    return [
        f"{move['measure']} {change({'mean': move['by'], 'half_width': 0.0}, unit, language)}"
        for move, unit in zip(found, units, strict=True)
    ]
