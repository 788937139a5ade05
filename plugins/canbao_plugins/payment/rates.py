"""Who pays how, and whose debit fails: probabilities for each family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from canbao.arrays import FloatArray, np
from canbao.district import District
from canbao_plugins.payment.methods import Online
from canbao_plugins.skill import logistic, skill_of, with_mean

if TYPE_CHECKING:
    from canbao_plugins.payment.methods import Method

__all__ = ["failing", "method_shares", "preferred"]


def method_shares(
    methods: Mapping[str, Method], effect: float, district: District
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Give each family's probability to use each method; over typical families they are as the weights on average.

    Parameters
    ----------
    methods
        The methods by name, all with a weight above 0.
    effect
        The log odds of paying online between skill 0 and skill 1.

    Returns
    -------
    tuple
        For all families, shape (families,) by method, and for typical ones.
    """
    total = {sort: sum(m.weight for m in methods.values() if isinstance(m, Online) is sort) for sort in (True, False)}
    typical, everybody = effect * skill_of(district.typical), effect * skill_of(district.columns)
    share = total[True] / (total[True] + total[False])
    shares = []
    for odds in (everybody, typical):
        online = with_mean(share, typical, odds)
        shares.append(
            {
                name: (online if isinstance(m, Online) else 1.0 - online) * (m.weight / total[isinstance(m, Online)])
                for name, m in methods.items()
            }
        )
    return shares[0], shares[1]


def preferred(shares: Mapping[str, FloatArray], luck: FloatArray) -> dict[str, FloatArray]:
    """Tell for each method whether each family begins with it, 1.0 or 0.0; `luck` is a uniform number for each."""
    upto = np.cumsum(np.stack(list(shares.values())), axis=0)
    chosen = np.minimum((luck * upto[-1] >= upto).sum(axis=0), len(shares) - 1)
    return {name: (chosen == number).astype(np.float64) for number, name in enumerate(shares)}


def failing(share: float, effect: float, use: FloatArray | float, district: District) -> FloatArray:
    """Give each family's probability to fail at something: the less skill, the more.

    Parameters
    ----------
    share
        The mean over the typical families that do it.
    effect
        The log odds between skill 1 and skill 0.
    use
        The probability that each typical family does it, shape (typical families,).
    """
    typical, odds = -effect * skill_of(district.typical), -effect * skill_of(district.columns)
    if share in (0.0, 1.0):
        return np.full(len(odds), share)
    # Nobody typical does it where another method outweighs it beyond all digits.
    weights = np.broadcast_to(np.maximum(use, 1e-300), typical.shape)
    low, high = -60.0 - float(np.max(typical)), 60.0 - float(np.min(typical))
    for _ in range(60):  # bisection: the mean rises with the shift
        shift = (low + high) / 2
        mean = float(np.average(logistic(shift + typical), weights=weights))
        low, high = (shift, high) if mean < share else (low, shift)
    return logistic(shift + odds)
