"""The colours of the report: few, calm, told apart by colour-blind readers, each with a twin for dark screens."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

__all__ = ["COLOURS", "DEEP", "ENDINGS", "RAMP", "WAITING", "WORKING", "css"]

COLOURS = MappingProxyType(
    {
        # name: (light, dark). No two light ones are equal: a style sheet finds them in drawings by value.
        "paper": ("#ffffff", "#14191e"),
        "panel": ("#f5f7f8", "#1c2329"),
        "ink": ("#1d2730", "#e6ebef"),
        "muted": ("#596670", "#9fadb8"),
        "grid": ("#e0e5e9", "#2f3942"),
        "closed": ("#eef1f3", "#20282e"),
        "data": ("#4a7fb0", "#6ea3d4"),
        "soft": ("#b3cbe0", "#39556f"),
        "alert": ("#b4471b", "#f0935f"),
        "good": ("#0f6b66", "#55bdb4"),
        "ramp0": ("#86aed3", "#3f6f9e"),
        "ramp1": ("#5688b8", "#5f94c7"),
        "ramp2": ("#2d5f90", "#93bfe6"),
        "ramp3": ("#14304b", "#d6eafb"),
        "wait0": ("#f9fafb", "#182027"),
        "wait1": ("#fbe6cf", "#3b3026"),
        "wait2": ("#f6c695", "#664527"),
        "wait3": ("#e8995a", "#9a5f2c"),
        "wait4": ("#c9672f", "#d18340"),
        "wait5": ("#84330f", "#ffb873"),
        "work0": ("#f3f6f9", "#1b242c"),
        "work1": ("#d9e5ef", "#26394a"),
        "work2": ("#a8c6e0", "#34587a"),
        "work3": ("#6a9bc6", "#4f86b8"),
        "work4": ("#eaa35d", "#b5722f"),
        "work5": ("#b3430f", "#ff9d5c"),
        "end0": ("#3f78ab", "#6ba1d3"),
        "end1": ("#d5dade", "#46525c"),
        "end2": ("#b4481d", "#ef9161"),
        "end3": ("#e9a45e", "#c17f3a"),
        "end4": ("#8c6d9c", "#b295c2"),
        "end5": ("#5f9f98", "#3f8c84"),
        "end6": ("#c9b458", "#a08e3d"),
        "end7": ("#8a8f94", "#7c858c"),
    }
)
"""Colours by what they are for."""

WAITING = ("wait0", "wait1", "wait2", "wait3", "wait4", "wait5")
"""From nobody to the longest queues."""
WORKING = ("work0", "work1", "work2", "work3", "work4", "work5")
"""From idle to fully used."""
RAMP = ("ramp0", "ramp1", "ramp2", "ramp3")
"""Lines that stand for an order, such as the levels of an input: lighter and darker, on grey paper too."""
ENDINGS = ("end0", "end1", "end2", "end3", "end4", "end5", "end6", "end7")
"""Outcomes: enrolled, inside, then the others; the last one is for all that are left."""
DEEP = frozenset({"wait3", "wait4", "wait5", "work3", "work5", "end0", "end2", "end4"})


def css(names: Sequence[str] = tuple(COLOURS)) -> str:
    """Write the style rules that turn the colours of drawings into those of the screen, light or dark."""
    light = "".join(f"--{name}:{COLOURS[name][0]};" for name in names)
    dark = "".join(f"--{name}:{COLOURS[name][1]};" for name in names)
    rules = "".join(_rule(name) for name in names)
    return f":root{{{light}}}\n@media screen and (prefers-color-scheme: dark){{:root{{{dark}}}}}\n{rules}"


def _rule(name: str) -> str:
    light = COLOURS[name][0]
    return f'svg [fill="{light}"]{{fill:var(--{name})}}svg [stroke="{light}"]{{stroke:var(--{name})}}\n'
