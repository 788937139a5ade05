"""Sending a family on to a channel that the scenario names, and what it has learnt by then."""

from __future__ import annotations

from difflib import get_close_matches

from canbao.district import District
from canbao.errors import InputError

__all__ = ["ADVISED", "gives_advice", "way_to"]

ADVISED = "advised"
"""Event: somebody told the family what it needs. Channels that look out for it find fewer faults with its papers."""


def gives_advice(district: District) -> bool:
    """Tell whether any channel of the scenario marks `ADVISED`: one whose `advises` is True."""
    return any(getattr(channel, "advises", False) for channel in district.channels.values())


def way_to(channel: str | None, district: District, *, key: str, otherwise: str) -> str:
    """Give the label of a channel that a setting names; `otherwise` if it names none.

    Parameters
    ----------
    channel
        What the setting says.
    key
        The setting, for the message: `channels.hotline.sends_on_to`.
    otherwise
        A label of `canbao.district`.

    Raises
    ------
    InputError
        When the scenario has no channel of that name.
    """
    if channel is None:
        return otherwise
    if channel not in district.channels:
        near = get_close_matches(channel, district.channels, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(district.channels)}"
        raise InputError(f"{key} names {channel!r}, which is no channel of the scenario; {hint}")
    return channel
