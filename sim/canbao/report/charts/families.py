"""What became of the families: outcomes, missed deadlines, newborns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from canbao.report.charts.axes import Days, Layer, colour, layer, rows_axis, spec
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.palette import DEEP, ENDINGS
from canbao.report.words import joined, number, percent

__all__ = ["family_charts"]


def family_charts(summary: Mapping[str, Any], days: Days) -> Iterator[Chart]:
    """Show what became of the families; charts without a family are left out."""
    families = summary.get("families") or {}
    if families.get("outcomes"):
        yield _outcomes(families, days)
    deadline = summary.get("deadline") or {}
    if rows := _missed_rows(deadline):
        yield _missed(rows, days)
    newborns = summary.get("newborns") or {}
    if newborns.get("families"):
        yield _newborns(newborns, days)


def _left(days: Days) -> int:
    return 130 if days.narrow else 190


def _room(days: Days) -> dict[str, int]:
    return {"left": _left(days), "top": 8}


def _plain(column: str) -> str:
    return column.replace("_", " ")


# ---------------------------------------------------------------------------------------------------------------------
# Outcomes
# ---------------------------------------------------------------------------------------------------------------------


def _outcomes(families: Mapping[str, Any], days: Days) -> Chart:
    order = _order(families["outcomes"])
    rows = [("all families", families["outcomes"])]
    for column, labels in (families.get("outcomes_by") or {}).items():
        rows += [(f"{_plain(column)}: {label}", counts) for label, counts in labels.items() if sum(counts.values())]
    shades = {name: ENDINGS[min(i, len(ENDINGS) - 1)] for i, name in enumerate(order)}
    header = ("families", *(_ending(name) for name in order))
    return Chart(
        name="outcomes",
        topic="families",
        title=_outcome_title(families),
        caption="How families ended, as shares of each kind. A channel is the one to which the family came first.",
        spec=_stacks(rows, order, shades, days),
        table=Table.of(header, [(label, *(counts.get(name, 0) for name in order)) for label, counts in rows]),
        keys=tuple(Key(_ending(name), shade) for name, shade in _keyed(shades).items()),
    )


def _outcome_title(families: Mapping[str, Any]) -> str:
    enrolled, inside = (families[key] / families["arrived"] for key in ("enrolled", "inside"))
    left = f"{percent(inside)} are" if inside else "none is"
    return f"{percent(enrolled)} of the families are enrolled, {left} still inside at the end"


def _order(outcomes: Mapping[str, int]) -> list[str]:
    """Put enrolled and inside first, so that they keep their colours, then the others by their number."""
    rest = sorted((o for o in outcomes if o not in ("enrolled", "inside")), key=lambda o: (-outcomes[o], o))
    return ["enrolled", "inside", *rest]


def _keyed(shades: Mapping[str, str]) -> dict[str, str]:
    last = [name for name, shade in shades.items() if shade == ENDINGS[-1]]
    return {(name if len(last) < 2 or name not in last else "others"): shade for name, shade in shades.items()}


def _ending(outcome: str) -> str:
    return "still inside" if outcome == "inside" else outcome


def _stacks(
    rows: Sequence[tuple[str, Mapping[str, int]]], order: Sequence[str], shades: Mapping[str, str], days: Days
) -> dict[str, Any]:
    values = [segment for label, counts in rows for segment in _segments(label, counts, order, shades)]
    y = rows_axis([label for label, _ in rows], _left(days))
    axis = {"title": "share of families", "format": "%", "tickCount": 2 if days.narrow else 10}
    x = {"field": "from", "type": "quantitative", "scale": {"domain": [0, 1], "nice": False}, "axis": axis}
    scale = {"domain": [colour(name) for name in ENDINGS], "range": [colour(name) for name in ENDINGS]}
    shade = {"field": "shade", "type": "nominal", "scale": scale, "legend": None}
    bars = layer("bar", {"x": x, "x2": {"field": "to"}, "y": y, "color": shade}, values)
    return spec(days, 20 * len(rows) + 6, [bars, *_shares_in_bars(values, y, days)], _room(days))


def _segments(
    label: str, counts: Mapping[str, int], order: Sequence[str], shades: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    total, done = sum(counts.values()), 0
    for name in order:
        count = counts.get(name, 0)
        if count:
            yield {
                "row": label,
                "from": done / total,
                "to": (done + count) / total,
                "share": count / total,
                "shade": colour(shades[name]),
                "deep": shades[name] in DEEP,
                "said": f"{label}: {_ending(name)} {count:,} of {total:,} ({percent(count / total)})",
            }
        done += count


def _shares_in_bars(values: Sequence[Mapping[str, Any]], y: Mapping[str, Any], days: Days) -> Iterator[Layer]:
    # Measuring texts costs more than anything else in a drawing, so only wide segments of the first row carry theirs.
    first, least = values[0]["row"], 0.18 if days.narrow else 0.07
    encoding = {"x": {"field": "at", "type": "quantitative"}, "y": y, "text": {"field": "text"}}
    for deep, shade in ((True, "paper"), (False, "ink")):
        told = [
            {"row": first, "at": (value["from"] + value["to"]) / 2, "text": percent(value["share"])}
            for value in values
            if value["row"] == first and value["share"] >= least and value["deep"] == deep
        ]
        if told:
            yield layer("text", encoding, told, color=colour(shade), aria=False)


# ---------------------------------------------------------------------------------------------------------------------
# Deadline
# ---------------------------------------------------------------------------------------------------------------------


def _missed_rows(deadline: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    return [
        (f"{_plain(column)}: {label}", one["missed"], one["of"])
        for column, labels in (deadline.get("missed_by") or {}).items()
        for label, one in labels.items()
        if one["of"]
    ]


def _missed(rows: Sequence[tuple[str, int, int]], days: Days) -> Chart:
    return Chart(
        name="missed-deadline",
        topic="families",
        title=_missed_title(rows),
        caption=(
            "Families that did not hand in by the deadline, as a share of each kind; "
            "kinds in which nobody missed it are left out."
        ),
        spec=_shares(rows, days),
        table=Table.of(
            ("families", "missed the deadline", "families with a deadline", "share"),
            [(name, part, whole, round(part / whole, 4)) for name, part, whole in rows],
        ),
        keys=(Key("missed the deadline", "data"),),
    )


def _missed_title(rows: Sequence[tuple[str, int, int]]) -> str:
    # The first kind is the channel. The worst of all rows may be a few families and chance: no news for a title.
    column = rows[0][0].split(": ")[0]
    first = sorted((row for row in rows if row[0].startswith(f"{column}: ")), key=lambda row: -row[1] / row[2])[:3]
    said = [f"{name.removeprefix(f'{column}: ')} {percent(part / whole)}" for name, part, whole in first]
    return f"Who missed the deadline, by {column}: {joined(said)}"


def _shares(rows: Sequence[tuple[str, int, int]], days: Days) -> dict[str, Any]:
    values = [{"row": name, "share": part / whole, "said": _part(name, part, whole)} for name, part, whole in rows]
    axis = {"title": "share of families with a deadline", "format": ".3~%", "tickCount": 4 if days.narrow else 8}
    encoding = {
        "x": {"field": "share", "type": "quantitative", "axis": axis},
        "y": rows_axis([name for name, _, _ in rows], _left(days)),
    }
    return spec(days, 20 * len(rows) + 6, [layer("bar", encoding, values, color=colour("data"))], _room(days))


def _part(name: str, part: int, whole: int) -> str:
    return f"{name}: {part:,} of {whole:,} families ({percent(part / whole)})"


# ---------------------------------------------------------------------------------------------------------------------
# Newborns
# ---------------------------------------------------------------------------------------------------------------------

_FATES = {
    "from_birth": "insured from birth",
    "later": "enrolled later",
    "not_enrolled": "not enrolled",
    "in_process": "still in process",
}


def _newborns(newborns: Mapping[str, Any], days: Days) -> Chart:
    rows = [(text, int(newborns.get(key) or 0)) for key, text in _FATES.items()]
    families = newborns["families"]
    return Chart(
        name="newborns",
        topic="families",
        title=f"{number(newborns['from_birth'])} of {number(families)} newborns are insured from birth",
        caption="Newborns whose families came: handed in inside the window after birth and enrolled, or not.",
        spec=_counts(rows, families, days),
        table=Table.of(("newborns", "families"), rows),
    )


def _counts(rows: Sequence[tuple[str, int]], whole: int, days: Days) -> dict[str, Any]:
    values = [
        {"row": text, "value": count, "text": f"{number(count)} ({percent(count / whole)})"} for text, count in rows
    ]
    # Room at the right for the longest label.
    domain = [0, (1.7 if days.narrow else 1.15) * max(1, *(count for _, count in rows))]
    encoding = {
        "x": {"field": "value", "type": "quantitative", "axis": None, "scale": {"domain": domain, "nice": False}},
        "y": rows_axis([text for text, _ in rows], _left(days)),
    }
    text = {**encoding, "text": {"field": "text"}}
    layers = [
        layer("bar", encoding, values, color=colour("data"), aria=False),
        layer("text", text, values, align="left", dx=5, aria=False),
    ]
    return spec(days, 26 * len(rows), layers, {**_room(days), "bottom": 8})
