"""A plot as plain data: two axes, and the marks between them in the units of the axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

__all__ = ["USUAL", "Area", "Axis", "Band", "Box", "Dot", "Line", "Mark", "Plot", "Shape", "Space", "Text", "Tick"]


class Tick(NamedTuple):
    """A marked place of an axis, and the lines of its label."""

    at: float
    label: tuple[str, ...]


@dataclass(frozen=True)
class Axis:
    """One axis."""

    low: float
    """What stands at the left or the bottom."""
    high: float
    """What stands at the right or the top; less than `low` where the axis runs the other way."""
    ticks: tuple[Tick, ...] = ()
    title: str = ""
    grid: bool = False
    """Whether a line runs through the plot at each tick."""
    flush: bool = False
    """Whether the labels at its ends stay inside them."""


class Box(NamedTuple):
    """A rectangle; -inf is the left or the bottom edge of the plot, inf the right or the top."""

    x: tuple[float, float]
    y: tuple[float, float]
    colour: str
    """A name in `palette.COLOURS`, as everywhere here."""
    said: str = ""
    """What it says when a pointer rests on it."""


class Line(NamedTuple):
    """A line through some points, edges as in a box."""

    points: tuple[tuple[float, float], ...]
    colour: str
    width: float = 1
    dashed: bool = False


class Area(NamedTuple):
    """What lies between a line and zero."""

    points: tuple[tuple[float, float], ...]
    colour: str


class Band(NamedTuple):
    """What lies between two lines, such as the ends of intervals."""

    low: tuple[tuple[float, float], ...]
    high: tuple[tuple[float, float], ...]
    colour: str


Shape: TypeAlias = Literal["circle", "diamond", "square", "triangle", "ring"]
"""How a dot looks; a ring is a circle that is not filled."""


class Dot(NamedTuple):
    """A place that is marked."""

    x: float
    y: float
    colour: str
    radius: float
    shape: Shape = "circle"
    said: str = ""


class Text(NamedTuple):
    """A text at a place, or some pixels to the right of it and below."""

    x: float
    y: float
    text: str
    colour: str = "ink"
    align: Literal["start", "middle", "end"] = "start"
    right: float = 0
    down: float = 0


Mark: TypeAlias = Box | Line | Area | Band | Dot | Text


class Space(NamedTuple):
    """The room around a plot in pixels, for labels."""

    left: int = 48
    right: int = 14
    top: int = 24
    bottom: int = 36


USUAL = Space()
"""Room for the labels and titles of two axes."""


@dataclass(frozen=True)
class Plot:
    """Axes and marks; what comes later in `marks` lies above what comes before."""

    width: int
    """Of the plot without the room around it, in pixels."""
    height: int
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    space: Space = USUAL

    @property
    def size(self) -> tuple[int, int]:
        """Width and height with the room around the plot, in pixels."""
        return (
            self.width + self.space.left + self.space.right,
            self.height + self.space.top + self.space.bottom,
        )
