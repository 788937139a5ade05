"""Plots drawn as SVG that stands inside an HTML page: no script, no font, no address to fetch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import singledispatchmethod
from html import escape
from itertools import groupby

from canbao.report.charts.plot import Area, Axis, Band, Box, Dot, Line, Mark, Plot, Text, Tick
from canbao.report.palette import COLOURS

__all__ = ["draw", "elements", "sign"]

_MANY = 1_500
"""A drawing with more marks has no tooltips: they would make it four times as large."""

_SHAPES = {
    "circle": "m-{r},0a{r},{r},0,1,0,{d},0a{r},{r},0,1,0,-{d},0Z",
    "diamond": "m-{r},0l{r},-{r}l{r},{r}l-{r},{r}Z",
    "square": "m-{r},-{r}h{d}v{d}h-{d}Z",
    "triangle": "m-{r},{r}h{d}l-{r},-{d}Z",
    "ring": "m-{r},0a{r},{r},0,1,0,{d},0a{r},{r},0,1,0,-{d},0Z",
}
"""The outlines of dots, from their middle."""

_LINE_PX, _TICK_PX = 13, 4
"""How far the lines of a label stand apart, and how long a tick is."""


def draw(plot: Plot, title: str) -> str:
    """Draw a plot; `title` says what is seen to those who do not see it."""
    width, height = plot.size
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(title)}">{elements(plot)}</svg>'
    )


def elements(plot: Plot, down: int = 0) -> str:
    """Give what stands inside a drawing, some pixels below its top."""
    pen = _Pen(plot, sum(isinstance(mark, Box | Dot) for mark in plot.marks) <= _MANY)
    left, _, top, _ = plot.space
    parts = (*pen.grid(), *pen.x_axis(), *pen.y_axis(), *pen.marks())
    return f'<g fill="none" transform="translate({left},{top + down})">{"".join(parts)}</g>'


def sign(x: float, y: float, colour: str, shape: str) -> str:
    """Draw the sign of a key around a place: a dot, a line, a dashed line, or a small area for any other shape."""
    paint = _colour(colour)
    if shape in ("line", "dash"):
        dashes = ' stroke-dasharray="4,3"' if shape == "dash" else ""
        return f'<path d="M{_px(x - 8)},{_px(y)}h16" stroke="{paint}" stroke-width="2"{dashes}/>'
    if shape == "ring":
        outline = _SHAPES[shape].format(r=4, d=8)
        return f'<path d="M{_px(x)},{_px(y)}{outline}" stroke="{paint}" stroke-width="1.5"/>'
    if shape == "area":
        return f'<path d="M{_px(x - 7)},{_px(y - 5)}h14v10h-14Z" fill="{paint}"/>'
    outline = _SHAPES["circle" if shape == "dot" else shape].format(r=4, d=8)
    return f'<path d="M{_px(x)},{_px(y)}{outline}" fill="{paint}"/>'


@dataclass(frozen=True)
class _Pen:
    """Writes the elements of one drawing."""

    plot: Plot
    tooltips: bool

    # --- places, in pixels from the left and the top of the plot ---

    def _x(self, value: float) -> float:
        return _share(value, self.plot.x) * self.plot.width

    def _y(self, value: float) -> float:
        return (1 - _share(value, self.plot.y)) * self.plot.height

    def _place(self, point: tuple[float, float]) -> str:
        return f"{_px(self._x(point[0]))},{_px(self._y(point[1]))}"

    # --- axes ---

    def grid(self) -> Iterator[str]:
        """Draw the lines that run through the plot, between pixels so that they are sharp."""
        width, height, colour = self.plot.width, self.plot.height, _colour("grid")
        down = [f"M{_half(self._x(tick.at))},0.5v{height}" for tick in self.plot.x.ticks if self.plot.x.grid]
        across = [f"M0.5,{_half(self._y(tick.at))}h{width}" for tick in self.plot.y.ticks if self.plot.y.grid]
        if down or across:
            yield f'<path d="{"".join((*down, *across))}" stroke="{colour}"/>'

    def x_axis(self) -> Iterator[str]:
        """Draw the line of the x axis, its ticks, their labels, and its title."""
        axis, width, height = self.plot.x, self.plot.width, self.plot.height
        if axis.ticks:
            ticks = "".join(f"M{_half(self._x(tick.at))},{height + 0.5}v{_TICK_PX}" for tick in axis.ticks)
            yield f'<path d="M0.5,{height + 0.5}h{width}{ticks}" stroke="{_colour("muted")}"/>'
        for tick in axis.ticks:
            yield _text(self._x(tick.at), height + 15, tick.label, "muted", _anchor(axis, tick))
        if axis.title:
            yield _text(width / 2, height + 32, (axis.title,), "muted", "middle")

    def y_axis(self) -> Iterator[str]:
        """Write the labels of the y axis, and its title over them."""
        for tick in self.plot.y.ticks:
            yield _text(-6, self._y(tick.at) + 3.5, tick.label, "muted", "end")
        if self.plot.y.title:
            yield _text(-42, -12, (self.plot.y.title,), "muted", "start")

    # --- marks ---

    def marks(self) -> Iterator[str]:
        """Draw all marks; those of one sort that follow each other in a group."""
        for _, run in groupby(self.plot.marks, type):
            marks = list(run)
            boxes = [mark for mark in marks if isinstance(mark, Box)]
            yield f"<g>{''.join(self._boxes(boxes) if boxes else map(self._drawn, marks))}</g>"

    def _boxes(self, boxes: Sequence[Box]) -> Iterator[str]:
        """Draw boxes; make one path of all that have one colour and say nothing: hundreds of cells become six."""
        silent: dict[str, list[str]] = {}
        for box in boxes:
            if not (self.tooltips and box.said):
                silent.setdefault(box.colour, []).append(self._box(box))
        for colour, outlines in silent.items():
            yield f'<path d="{"".join(outlines)}" fill="{_colour(colour)}"/>'
        for box in boxes:
            if self.tooltips and box.said:
                yield f'<path d="{self._box(box)}" fill="{_colour(box.colour)}">{_tooltip(box.said)}</path>'

    def _box(self, box: Box) -> str:
        (left, right), (top, bottom) = sorted(map(self._x, box.x)), sorted(map(self._y, box.y))
        width = _px(right - left)
        return f"M{_px(left)},{_px(top)}h{width}v{_px(bottom - top)}h-{width}Z"

    @singledispatchmethod
    def _drawn(self, mark: Mark) -> str:
        raise TypeError(f"no mark: {mark!r}")

    @_drawn.register
    def _(self, mark: Line) -> str:
        dashes = ' stroke-dasharray="4,3"' if mark.dashed else ""
        points = "L".join(map(self._place, mark.points))
        return f'<path d="M{points}" stroke="{_colour(mark.colour)}" stroke-width="{mark.width}"{dashes}/>'

    @_drawn.register
    def _(self, mark: Area) -> str:
        ends = [(mark.points[-1][0], 0.0), (mark.points[0][0], 0.0)]
        points = "L".join(map(self._place, [*mark.points, *ends]))
        return f'<path d="M{points}Z" fill="{_colour(mark.colour)}"/>'

    @_drawn.register
    def _(self, mark: Band) -> str:
        points = "L".join(map(self._place, [*mark.low, *reversed(mark.high)]))
        return f'<path d="M{points}Z" fill="{_colour(mark.colour)}"/>'

    @_drawn.register
    def _(self, mark: Dot) -> str:
        told = _tooltip(mark.said) if self.tooltips and mark.said else ""
        outline = f"M{self._place((mark.x, mark.y))}{_SHAPES[mark.shape].format(r=mark.radius, d=2 * mark.radius)}"
        colour = _colour(mark.colour)
        hollow = f'fill="{_colour("paper")}" stroke="{colour}" stroke-width="1.5"'
        paint = hollow if mark.shape == "ring" else f'fill="{colour}"'
        return f'<path d="{outline}" {paint}>{told}</path>'

    @_drawn.register
    def _(self, mark: Text) -> str:
        return _text(self._x(mark.x) + mark.right, self._y(mark.y) + mark.down, (mark.text,), mark.colour, mark.align)


def _share(value: float, axis: Axis) -> float:
    """Give where a value stands between the ends of an axis, as a share of it."""
    if math.isinf(value):  # an edge, whichever way the axis runs
        return float(value > 0)
    return min(max((value - axis.low) / (axis.high - axis.low), 0.0), 1.0)


def _anchor(axis: Axis, tick: Tick) -> str:
    return {axis.low: "start", axis.high: "end"}.get(tick.at, "middle") if axis.flush else "middle"


def _colour(name: str) -> str:
    return COLOURS[name][0]


def _px(value: float) -> str:
    """Write a place to a tenth of a pixel."""
    return f"{value:.1f}".removesuffix(".0")


def _half(value: float) -> str:
    """Write the middle of the nearest pixel."""
    return f"{round(value)}.5"


def _tooltip(text: str) -> str:
    return f"<title>{escape(text, quote=False)}</title>"


def _text(x: float, y: float, lines: tuple[str, ...], colour: str, anchor: str) -> str:
    first, *others = (escape(line, quote=False) for line in lines)
    below = "".join(f'<tspan x="{_px(x)}" dy="{_LINE_PX}">{line}</tspan>' for line in others)
    return f'<text x="{_px(x)}" y="{_px(y)}" text-anchor="{anchor}" fill="{_colour(colour)}">{first}{below}</text>'
