"""Which families have which trouble online: by digital skill, and by the papers that they hold."""

from __future__ import annotations

from collections.abc import Mapping

from canbao.arrays import BoolArray, FloatArray, np
from canbao.columns import Column
from canbao.district import District
from canbao_plugins.online.settings import Online
from canbao_plugins.skill import skill_of, with_mean

__all__ = ["finishes", "has_account", "hears", "logs_in", "papers_pass"]


def finishes(settings: Online, district: District) -> FloatArray:
    """Give each family's probability to finish a session in which nothing goes wrong, shape (families,)."""
    if "digital_skill" not in district.columns:
        return np.full(district.families, 1.0 - settings.wanders_off)
    # 2 at skill 0, falling to 0 at skill 1, so that it averages 1 over an even spread of skill.
    return 1.0 - np.minimum(1.0, settings.wanders_off * 2.0 * (1.0 - district.number("digital_skill")))


def has_account(settings: Online, name: str, district: District) -> FloatArray:
    """Tell for each family whether it has an account: 1 or 0, shape (families,)."""
    return (~district.share(settings.new_accounts, f"{name}:account")).astype(np.float64)


def logs_in(settings: Online, district: District) -> FloatArray:
    """Give each family's probability to get in with its account, shape (families,)."""
    effect = -settings.skill_effect
    odds = [effect * skill_of(columns) for columns in (district.typical, district.columns)]
    return 1.0 - with_mean(settings.locked_out, *odds)


def hears(share: float, name: str, way: str, district: District) -> FloatArray:
    """Tell for each family whether notices by one way reach it, and for good: 1 or 0, shape (families,)."""
    return district.share(share, f"{name}:{way}").astype(np.float64)


def papers_pass(settings: Online, district: District) -> FloatArray:
    """Give each family's probability that its upload is complete and legible, shape (families,).

    Those who lack a paper are found out first; among the others as many slip up as are missing from the stated share,
    the unskilled rather than the skilled.
    """
    typical_held, held = (_held(columns) for columns in (district.typical, district.columns))
    lacking = 1.0 - float(np.mean(typical_held))
    found_out = min(1.0, settings.incomplete / lacking) if lacking else 0.0
    slip = max(0.0, (settings.incomplete - lacking) / (1.0 - lacking)) if lacking < 1.0 else 0.0
    effect = -settings.skill_effect
    holders = skill_of(district.typical)[typical_held]
    slips = with_mean(slip, effect * holders, effect * skill_of(district.columns))
    return np.where(held, 1.0 - slips, 1.0 - found_out)


def _held(columns: Mapping[str, Column]) -> BoolArray:
    """Tell for each family whether it holds all its papers; all of them where the population does not know."""
    if "papers_complete" in columns:
        return np.asarray(columns["papers_complete"], dtype=bool)
    return np.ones(len(next(iter(columns.values()))), dtype=bool)
