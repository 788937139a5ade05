"""Charts drawn as SVG that stands inside an HTML page: no script, no font, no address to fetch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from canbao.report.charts.chart import Chart
from canbao.report.words import legible

__all__ = ["draw"]

_NAMESPACES = re.compile(r'\sxmlns(?::\w+)?="[^"]*"')
_LONG_NUMBER = re.compile(r"-?\d+\.\d{2,}(?:e-?\d+)?")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_MANY = 1_500
"""A drawing with more marks has no tooltips: they would make it four times as large."""

_NEEDLESS = ("role", "class", "pointer-events", "font-family", "font-size", "opacity")
_NUMERIC = ("d", "transform", "x", "y", "x2", "y2", "width", "height")


def draw(chart: Chart, prefix: str, *, tooltips: bool = True) -> str:
    """Draw a chart.

    Parameters
    ----------
    chart
        What to draw; its title, caption and key are the page's business.
    prefix
        Keeps identifiers apart, where several drawings stand on a page.
    tooltips
        Whether marks say what they show when a pointer rests on them.
    """
    import vl_convert

    text = vl_convert.vegalite_to_svg(_plot_only(chart.spec), allowed_base_urls=[])
    root = ET.fromstring(_NAMESPACES.sub("", text, count=2))
    _clean(root, prefix, tooltips=tooltips)
    root.attrib = {key: root.attrib[key] for key in ("width", "height", "viewBox")}
    root.attrib |= {"role": "img", "aria-label": legible(chart.title)}
    return ET.tostring(root, encoding="unicode")


def _plot_only(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Fix the room around the plot and leave out the legend, which the page writes as text that wraps.

    Texts have no size here and take theirs from the page. Vega measures every text, though nothing stands where it does
    because of one, and that takes a third of a drawing's time; for Chinese it looks through all fonts, and takes more
    than half of it.
    """
    axis = {**spec["config"]["axis"], "labelFontSize": 0, "titleFontSize": 0}
    config = {
        **spec["config"],
        "axis": axis,
        "text": {**spec["config"]["text"], "fontSize": 0},
        "legend": {"disable": True},
        "autosize": {"type": "none"},
    }
    found: dict[str, Any] = legible({**spec, "config": config, "padding": spec["usermeta"]["space"]})
    return found


def _clean(root: ET.Element, prefix: str, *, tooltips: bool) -> None:
    """Shorten numbers, make identifiers unique, and turn what marks say into tooltips that need no script."""
    marks = [element for element in root.iter() if element.get("role") == "graphics-symbol" and not len(element)]
    said = [(mark, mark.get("aria-label")) for mark in marks] if tooltips and len(marks) <= _MANY else []
    for element in list(root.iter()):
        for key in list(element.attrib):
            _clean_attribute(element, key, prefix)
    for mark, text in said:
        if text:
            ET.SubElement(mark, "title").text = text
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag == "path" and _draws_nothing(child)]:
            parent.remove(child)
        _join_paths(parent)


def _join_paths(parent: ET.Element) -> None:
    """Make one path of all children that look alike and say nothing: hundreds of cells become six paths."""
    alike: dict[tuple[tuple[str, str], ...], ET.Element] = {}
    for child in list(parent):
        if child.tag == "path" and not len(child):
            look = tuple(sorted((key, value) for key, value in child.attrib.items() if key != "d"))
            first = alike.setdefault(look, child)
            if first is not child:
                first.set("d", f"{first.get('d')}{child.get('d')}")
                parent.remove(child)


def _clean_attribute(element: ET.Element, key: str, prefix: str) -> None:
    value = element.attrib[key]
    if key in _NEEDLESS or key.startswith("aria-"):
        del element.attrib[key]
    elif key == "id":
        element.attrib[key] = f"{prefix}-{value}"
    elif "url(#" in value:
        element.attrib[key] = _REFERENCE.sub(rf"url(#{prefix}-\1)", value)
    elif key in _NUMERIC:
        element.attrib[key] = _LONG_NUMBER.sub(_short, value)


def _short(found: re.Match[str]) -> str:
    return f"{float(found[0]):.1f}".removesuffix(".0")


def _draws_nothing(path: ET.Element) -> bool:
    # Vega gives each group a background and a foreground, most of them without extent or colour.
    return path.get("display") == "none" or not path.get("d") or not path.attrib.keys() & {"fill", "stroke"}
