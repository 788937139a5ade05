"""The figure of growth, from the numbers that `bench_growth.py --figure` keeps.

python tests/bench/growth_figure.py docs/figures/growth.json docs/figures/growth.svg
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

NETWORKS = {"horizon": "longer horizon", "staff": "more staff"}
QUEUES = {"fifo": "first come", "priority": "by priority"}
STATES = {"idle": "nobody", "backlog": "100,000"}


def draw(points: Sequence[Mapping[str, Any]]) -> str:
    """Draw time and memory over the number of families, and what a backlog costs; give SVG."""
    import vl_convert

    grown = [{**point, "network": NETWORKS[point["case"]]} for point in points if point["case"] in NETWORKS]
    queues = [
        {**point, "queue": QUEUES[point["case"]], "waiting": STATES[point["mode"]]}
        for point in points
        if point["case"] in QUEUES
    ]
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "hconcat": [
            _lines(grown, "us_a_family", "µs a family"),
            _lines(grown, "peak_mb", "peak of memory in MB"),
            _bars(queues),
        ],
        "resolve": {"scale": {"color": "independent"}},
        "config": {"view": {"stroke": None}, "background": "white"},
    }
    return str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])) + "\n"


def _lines(rows: Sequence[Mapping[str, Any]], field: str, title: str) -> dict[str, Any]:
    axis = {"format": "~s", "values": [10**power for power in range(4, 8)]}
    families = {"field": "families", "type": "quantitative", "title": "families", "axis": axis}
    return {
        "data": {"values": rows},
        "width": 240,
        "height": 200,
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {**families, "scale": {"type": "log", "nice": False, "domainMin": 10_000}},
            "y": {"field": field, "type": "quantitative", "title": title, "scale": {"zero": True}},
            "color": {"field": "network", "type": "nominal", "title": None, "legend": {"orient": "top"}},
        },
    }


def _bars(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    waiting = {"field": "waiting", "type": "nominal", "title": "waiting", "sort": None}
    return {
        "data": {"values": rows},
        "width": 160,
        "height": 200,
        "mark": "bar",
        "encoding": {
            "x": {"field": "queue", "type": "nominal", "title": "queue", "axis": {"labelAngle": 0}},
            "xOffset": {"field": "waiting", "sort": None},
            "y": {"field": "us_an_event", "type": "quantitative", "title": "µs an event"},
            "color": {**waiting, "scale": {"range": ["#bbbbbb", "#555555"]}, "legend": {"orient": "top"}},
        },
    }


def main() -> None:
    """Draw again what was measured before."""
    numbers, figure = map(Path, sys.argv[1:3])
    figure.write_text(draw(json.loads(numbers.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
