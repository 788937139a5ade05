"""Drawings: marks stand where the axes say, numbers on axes are round, and an SVG holds nothing but shapes and text."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canbao.report.charts.axes import EDGES, amounts, numbers_axis, percents_axis, rounded_up
from canbao.report.charts.plot import Area, Axis, Box, Dot, Line, Mark, Plot, Space, Text, Tick
from canbao.report.drawing import draw

UP, DOWN = Axis(0, 100), Axis(100, 0)


def drawn(*marks: Mark, x: Axis = UP, y: Axis = UP) -> ET.Element:
    """Draw marks in a plot of 200 by 100 pixels."""
    return ET.fromstring(draw(Plot(200, 100, x, y, marks), "a title"))


def outline(root: ET.Element, fill: str = "#4a7fb0") -> str:
    """Give the path of a colour."""
    (path,) = [element for element in root.iter("path") if element.get("fill") == fill]
    return path.attrib["d"]


def test_a_box_stands_where_its_axes_say() -> None:
    """A quarter from the left and from the bottom, in pixels from the top left corner."""
    assert outline(drawn(Box((25, 50), (25, 75), "data"))) == "M50,25h50v50h-50Z"


def test_an_axis_that_runs_down_turns_a_box_over() -> None:
    """Rows and hours of the day begin at the top."""
    assert outline(drawn(Box((0, 50), (0, 25), "data"), y=DOWN)) == "M0,0h100v25h-100Z"


@pytest.mark.parametrize("y", [UP, DOWN])
def test_infinite_places_are_the_edges_whichever_way_an_axis_runs(y: Axis) -> None:
    """A shaded day reaches from the bottom to the top, and a label at inf stands at the top."""
    root = drawn(Box((0, 50), EDGES, "data"), Text(50, math.inf, "here"), y=y)
    assert outline(root) == "M0,0h100v100h-100Z"
    assert [text.get("y") for text in root.iter("text")] == ["0"]


def test_what_is_larger_than_an_axis_ends_at_its_edge() -> None:
    """A line at 120 % of a scale does not leave the plot."""
    (path,) = drawn(Line(((0, 120), (200, 120)), "ink", 2)).iter("path")
    assert path.attrib["d"] == "M0,0L200,0"


def test_an_area_reaches_down_to_zero() -> None:
    """It closes under its line."""
    assert outline(drawn(Area(((0, 0), (50, 50), (100, 0)), "data"))) == "M0,100L100,50L200,100L200,100L0,100Z"


@pytest.mark.parametrize(("shape", "arcs"), [("circle", 2), ("diamond", 0)])
def test_a_dot_has_its_place_in_its_middle(shape: str, arcs: int) -> None:
    """Its outline begins at its middle and goes to the left by its radius."""
    path = outline(drawn(Dot(50, 50, "data", 4, shape)))
    assert path.startswith("M100,50m-4,0")
    assert path.count("a") == arcs


def test_boxes_of_one_colour_that_say_nothing_are_one_path() -> None:
    """Hundreds of cells of a heat map become one element for each colour; those that say something have their own."""
    cells = [Box((i, i + 1), (0, 50), "wait1" if i % 2 else "wait2") for i in range(100)]
    assert len(list(drawn(*cells).iter("path"))) == 2
    told = [cell._replace(said=f"cell {i}") for i, cell in enumerate(cells)]
    assert [title.text for title in drawn(*told).iter("title")] == [f"cell {i}" for i in range(100)]


def test_a_drawing_with_very_many_marks_has_no_tooltips() -> None:
    """They would make the page four times as large."""
    cells = [Box((0, 1), (0, 1), "wait1", "said")] * 2000
    assert not list(drawn(*cells).iter("title"))


def test_what_comes_later_lies_above_what_comes_before() -> None:
    """Shading, then bars, then a line across them."""
    marks = (Box((0, 1), EDGES, "closed"), Line(((0, 1), (1, 1)), "ink"), Box((0, 1), (0, 1), "data"))
    paths = [path.get("fill") or path.get("stroke") for path in drawn(*marks).iter("path")]
    assert paths == ["#eef1f3", "#1d2730", "#4a7fb0"]


def test_labels_titles_and_grid_of_both_axes_are_drawn() -> None:
    """A label of two lines has two lines; labels at the ends of a flush axis stay inside."""
    x = Axis(0, 10, (Tick(0, ("Sep", "2025")), Tick(5, ("Oct",)), Tick(10, ("Nov",))), "months", flush=True)
    y = Axis(0, 1, (Tick(0, ("0%",)), Tick(1, ("100%",))), "share", grid=True)
    root = ET.fromstring(draw(Plot(200, 100, x, y, (), Space(40, 10, 20, 30)), "a title"))
    texts = {"".join(text.itertext()): text.get("text-anchor") for text in root.iter("text")}
    assert texts == {"Sep2025": "start", "Oct": "middle", "Nov": "end", "months": "middle"} | {
        "0%": "end",
        "100%": "end",
        "share": "start",
    }
    grid = next(path for path in root.iter("path") if path.get("stroke") == "#e0e5e9")
    assert grid.attrib["d"] == "M0.5,100.5h200M0.5,0.5h200"
    assert root.get("viewBox") == "0 0 250 150"


@given(st.text(max_size=20))
def test_every_text_is_text(text: str) -> None:
    """Whatever stands in a label, a title or a tooltip comes back as it was, and makes no element."""
    legible = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff\r]", "", text)
    tick = Axis(0, 1, (Tick(0, (legible,)),))
    marks = (Box((0, 1), (0, 1), "data", f"said {legible}"), Text(0, 0, legible))
    root = ET.fromstring(draw(Plot(200, 100, tick, UP, marks), legible))
    assert [element.text or "" for element in root.iter("text")] == [legible, legible]
    assert [element.text for element in root.iter("title")] == [f"said {legible}"]
    assert {element.tag for element in root.iter()} == {"svg", "g", "path", "text", "title"}


# --- axes ---


@given(st.floats(1e-6, 1e12))
def test_an_axis_ends_at_a_round_number_not_far_above_its_largest(most: float) -> None:
    """It holds the largest value and wastes a fifth at most; rounding it up again changes nothing."""
    high = rounded_up(most)
    assert most <= high * (1 + 1e-9)
    assert high <= 1.2 * most
    assert rounded_up(high) == high


@given(st.floats(1e-3, 1e12), st.integers(2, 10), st.sampled_from([numbers_axis, percents_axis]))
def test_ticks_are_even_round_and_about_as_many_as_wanted(high: float, count: int, axis_of: object) -> None:
    """Steps are 1, 2 or 5 times a power of ten, from zero to the end of the axis."""
    ticks = [tick.at for tick in axis_of("", high, count).ticks]
    assert ticks[0] == 0
    assert ticks[-1] <= high * (1 + 1e-9)
    assert count / 2 <= len(ticks) <= 2 * count + 1
    step = ticks[1]
    assert high - ticks[-1] < step
    assert f"{step:e}"[0] in "125"
    assert f"{step:e}".split("e")[0].rstrip("0").rstrip(".") in {"1", "2", "5"}


@given(st.integers(0, 10**9))
def test_amounts_are_counted_in_whole_numbers(most: int) -> None:
    """No tick stands at half a family, and their labels are what they are."""
    axis = amounts("families", most)
    assert axis.high >= most
    assert [label for _, (label,) in axis.ticks] == [f"{round(at):,}" for at, _ in axis.ticks]
    assert all(at == round(at) for at, _ in axis.ticks)


def test_nothing_at_all_still_has_an_axis() -> None:
    """A season in which nobody came is drawn from zero to one."""
    assert [tick.at for tick in amounts("families", 0).ticks] == [0, 1]
