"""The figure of coordinated omission, from the numbers that `omission.py --out` keeps.

python tests/bench/omission_figure.py docs/figures/coordinated-omission.json docs/figures/coordinated-omission.svg
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SERIES = {"truth": "the truth, by arithmetic", "open": "canbao, open arrivals", "closed": "Locust, closed users"}
COLOURS = ["#999999", "#1b7837", "#c51b7d"]
WAITS = {"mean": "mean", "p95": "95th percentile"}
MANY = [2, 5, 10, 20, 50, 100, 200]


def draw(found: Mapping[str, Any]) -> str:
    """Draw the frozen services and the queues; give SVG."""
    import vl_convert

    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "hconcat": [
            _slowest(found["freeze"], "Frozen for 3 s of 20"),
            _slowest(found["stall"], "Stalled for 1 s in every 5"),
            _queues(found["queues"]),
        ],
        "resolve": {"scale": {"color": "independent"}},
        "config": {"view": {"stroke": None}, "background": "white"},
    }
    return str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])) + "\n"


def _slowest(found: Mapping[str, Any], title: str) -> dict[str, Any]:
    rows = [
        {"one_in": 100.0 / (100.0 - float(share)), "seconds": seconds, "series": says}
        for name, says in SERIES.items()
        for share, seconds in found[name].items()
        if 50 <= float(share) <= 99.5
    ]
    axis = {"values": MANY, "format": "~d"}
    return {
        "data": {"values": rows},
        "title": title,
        "width": 230,
        "height": 200,
        "mark": {"type": "line", "strokeWidth": 2},
        "encoding": {
            "x": {
                "field": "one_in",
                "type": "quantitative",
                "title": "the slowest one in",
                "scale": {"type": "log", "nice": False},
                "axis": axis,
            },
            "y": {"field": "seconds", "type": "quantitative", "title": "takes longer than, in seconds"},
            "color": _colour("series", list(SERIES.values())),
            "strokeDash": {"field": "series", "type": "nominal", "legend": None, "sort": list(SERIES.values())},
        },
    }


def _queues(found: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    rows = [
        {
            "load": f"{row['load']:g}",
            "wait": says,
            "theory": row[f"theory_{name}_s"],
            "measured": row[f"measured_{name}_s"],
        }
        | {
            side: row[f"measured_{name}_s"] + sign * row[f"{name}_half_width_s"]
            for side, sign in (("low", -1), ("high", 1))
        }
        for row in found
        for name, says in WAITS.items()
    ]
    load = {"field": "load", "type": "nominal", "title": "load of two slots", "axis": {"labelAngle": 0}}
    side = {"field": "wait", "sort": None}
    seconds = {"type": "quantitative", "title": "wait in seconds"}
    colour = _colour("wait", list(WAITS.values()), ["#4393c3", "#2166ac"])
    base = {"x": load, "xOffset": side}
    return {
        "data": {"values": rows},
        "title": "Waits: bars by theory, points measured",
        "width": 200,
        "height": 200,
        "layer": [
            {
                "mark": {"type": "bar", "opacity": 0.5},
                "encoding": {**base, "y": {"field": "theory", **seconds}, "color": colour},
            },
            {"mark": "rule", "encoding": {**base, "y": {"field": "low", **seconds}, "y2": {"field": "high"}}},
            {
                "mark": {"type": "point", "filled": True, "color": "black"},
                "encoding": {**base, "y": {"field": "measured", **seconds}},
            },
        ],
    }


def _colour(field: str, names: Sequence[str], colours: Sequence[str] = COLOURS) -> dict[str, Any]:
    return {
        "field": field,
        "type": "nominal",
        "title": None,
        "sort": names,
        "scale": {"domain": names, "range": colours},
        "legend": {"orient": "bottom", "direction": "vertical"},
    }


def main() -> None:
    """Draw again what was measured before."""
    numbers, figure = map(Path, sys.argv[1:3])
    figure.write_text(draw(json.loads(numbers.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
