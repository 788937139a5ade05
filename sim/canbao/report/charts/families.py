"""What became of the families: outcomes, missed deadlines, newborns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from canbao.languages import Language, noted
from canbao.report.charts.axes import Frame, percents_axis, plot, rounded_up, row_bar, rows_axis
from canbao.report.charts.bars import Bar, left_room, told_bars
from canbao.report.charts.chart import Chart, Key, Table
from canbao.report.charts.plot import Box, Plot, Space, Text
from canbao.report.palette import DEEP, ENDINGS
from canbao.report.terms import column, kind, outcome, term
from canbao.report.words import joined, number, percent

__all__ = ["family_charts"]


def family_charts(summary: Mapping[str, Any], frame: Frame) -> Iterator[Chart]:
    """Show what became of the families; charts without a family are left out."""
    families = summary.get("families") or {}
    if families.get("outcomes"):
        yield _outcomes(families, frame)
    deadline = summary.get("deadline") or {}
    if rows := _missed_rows(deadline):
        yield _missed(rows, frame)
    newborns = summary.get("newborns") or {}
    if newborns.get("families"):
        yield _newborns(newborns, frame)


def _room(frame: Frame) -> Space:
    return Space(left_room(frame), top=8)


# ---------------------------------------------------------------------------------------------------------------------
# Outcomes
# ---------------------------------------------------------------------------------------------------------------------


def _outcomes(families: Mapping[str, Any], frame: Frame) -> Chart:
    language = frame.language
    order = _order(families["outcomes"])
    rows = [(language.say("all families"), families["outcomes"])]
    for name, labels in (families.get("outcomes_by") or {}).items():
        rows += [(kind(name, label, language), counts) for label, counts in labels.items() if sum(counts.values())]
    shades = {name: ENDINGS[min(i, len(ENDINGS) - 1)] for i, name in enumerate(order)}
    header = (language.say("families"), *(outcome(name, language) for name in order))
    return Chart(
        name="outcomes",
        topic="families",
        title=_outcome_title(families, language),
        caption=language.say(
            "How families ended, as shares of each kind. A channel is the one to which the family came first."
        ),
        plot=_stacks(rows, order, shades, frame),
        table=Table.of(header, [(label, *(counts.get(name, 0) for name in order)) for label, counts in rows]),
        keys=tuple(Key(label, shade) for label, shade in _keyed(shades, language).items()),
    )


def _outcome_title(families: Mapping[str, Any], language: Language) -> str:
    # Not of all that are enrolled: some of them wait for a card, and are still inside.
    outcomes = families["outcomes"]
    enrolled, inside = (outcomes.get(key, 0) / families["arrived"] for key in ("enrolled", "inside"))
    if not inside:
        return language.say(
            "{enrolled} of the families end enrolled, none is still inside at the end",
            enrolled=percent(enrolled, language),
        )
    return language.say(
        "{enrolled} of the families end enrolled, {inside} are still inside at the end",
        enrolled=percent(enrolled, language),
        inside=percent(inside, language),
    )


def _order(outcomes: Mapping[str, int]) -> list[str]:
    """Put enrolled and inside first, so that they keep their colours, then the others by their number."""
    rest = sorted((o for o in outcomes if o not in ("enrolled", "inside")), key=lambda o: (-outcomes[o], o))
    return ["enrolled", "inside", *rest]


def _keyed(shades: Mapping[str, str], language: Language) -> dict[str, str]:
    last = [name for name, shade in shades.items() if shade == ENDINGS[-1]]
    return {
        (outcome(name, language) if len(last) < 2 or name not in last else language.say("others")): shade
        for name, shade in shades.items()
    }


def _stacks(
    rows: Sequence[tuple[str, Mapping[str, int]]], order: Sequence[str], shades: Mapping[str, str], frame: Frame
) -> Plot:
    boxes = [
        box
        for row, (label, counts) in enumerate(rows)
        for box in _segments(row, label, counts, order, shades, frame.language)
    ]
    x = percents_axis(frame.language.say("share of families"), 1.0, 2 if frame.narrow else 10)
    y = rows_axis([label for label, _ in rows], left_room(frame))
    return plot(frame, 20 * len(rows) + 6, x, y, [*boxes, *_shares_in_bars(boxes, frame)], _room(frame))


def _segments(  # noqa: PLR0913, PLR0917 - one row of the chart
    row: int, label: str, counts: Mapping[str, int], order: Sequence[str], shades: Mapping[str, str], language: Language
) -> Iterator[Box]:
    total, done = sum(counts.values()), 0
    for name in order:
        count = counts.get(name, 0)
        if count:
            said = _segment(label, outcome(name, language), count, total, language)
            yield Box((done / total, (done + count) / total), row_bar(row), shades[name], said)
        done += count


def _segment(label: str, ended: str, count: int, total: int, language: Language) -> str:
    return language.say(
        "{name}: {outcome} {part} of {whole} ({share})",
        name=label,
        outcome=ended,
        part=f"{count:,}",
        whole=f"{total:,}",
        share=percent(count / total, language),
    )


def _shares_in_bars(boxes: Sequence[Box], frame: Frame) -> Iterator[Text]:
    # A narrow segment has no room for its share, and the rows below the first say the same of parts.
    least = 0.18 if frame.narrow else 0.07
    for box in boxes:
        (first, after), (top, bottom) = box.x, box.y
        if box.y == boxes[0].y and after - first >= least:
            shade, text = "paper" if box.colour in DEEP else "ink", percent(after - first, frame.language)
            yield Text((first + after) / 2, (top + bottom) / 2, text, shade, "middle", down=4)


# ---------------------------------------------------------------------------------------------------------------------
# Deadline
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Missed:
    """One kind of family: how many of it missed the deadline."""

    column: str
    label: str
    part: int
    whole: int

    @property
    def share(self) -> float:
        return self.part / self.whole


def _missed_rows(deadline: Mapping[str, Any]) -> list[_Missed]:
    return [
        _Missed(name, label, one["missed"], one["of"])
        for name, labels in (deadline.get("missed_by") or {}).items()
        for label, one in labels.items()
        if one["of"]
    ]


def _missed(rows: Sequence[_Missed], frame: Frame) -> Chart:
    language, say = frame.language, frame.language.say
    return Chart(
        name="missed-deadline",
        topic="families",
        title=_missed_title(rows, language),
        caption=say(
            "Families that did not hand in by the deadline, as a share of each kind; "
            "kinds in which nobody missed it are left out."
        ),
        plot=_shares(rows, frame),
        table=Table.of(
            (say("families"), say("missed the deadline"), say("families with a deadline"), say("share")),
            [(kind(row.column, row.label, language), row.part, row.whole, round(row.share, 4)) for row in rows],
        ),
        keys=(Key(say("missed the deadline"), "data"),),
    )


def _missed_title(rows: Sequence[_Missed], language: Language) -> str:
    # The first kind is the channel. The worst of all rows may be a few families and chance: no news for a title.
    first = rows[0].column
    worst = sorted((row for row in rows if row.column == first), key=lambda row: -row.share)[:3]
    said = [f"{term(first, row.label, language)} {percent(row.share, language)}" for row in worst]
    return language.say(
        "Who missed the deadline, by {column}: {shares}",
        column=column(first, language),
        shares=joined(said, language),
    )


def _shares(rows: Sequence[_Missed], frame: Frame) -> Plot:
    names = [kind(row.column, row.label, frame.language) for row in rows]
    title = frame.language.say("share of families with a deadline")
    x = percents_axis(title, rounded_up(max(row.share for row in rows)), 4 if frame.narrow else 8)
    boxes = [
        Box((0, one.share), row_bar(row), "data", _part(name, one, frame.language))
        for row, (name, one) in enumerate(zip(names, rows, strict=True))
    ]
    return plot(frame, 20 * len(rows) + 6, x, rows_axis(names, left_room(frame)), boxes, _room(frame))


def _part(name: str, row: _Missed, language: Language) -> str:
    return language.say(
        "{name}: {part} of {whole} families ({share})",
        name=name,
        part=f"{row.part:,}",
        whole=f"{row.whole:,}",
        share=percent(row.share, language),
    )


# ---------------------------------------------------------------------------------------------------------------------
# Newborns
# ---------------------------------------------------------------------------------------------------------------------

_FATES = {
    "from_birth": noted("insured from birth"),
    "later": noted("enrolled later"),
    "not_enrolled": noted("not enrolled"),
    "in_process": noted("still in process"),
}


def _newborns(newborns: Mapping[str, Any], frame: Frame) -> Chart:
    say = frame.language.say
    rows = [(say(text), int(newborns.get(key) or 0)) for key, text in _FATES.items()]
    families = newborns["families"]
    return Chart(
        name="newborns",
        topic="families",
        title=say(
            "{part} of {whole} newborns are insured from birth",
            part=number(newborns["from_birth"]),
            whole=number(families),
        ),
        caption=say("Newborns whose families came: handed in inside the window after birth and enrolled, or not."),
        plot=told_bars([Bar(text, count, _count(count, families, frame.language)) for text, count in rows], frame),
        table=Table.of((say("newborns"), say("families")), rows),
    )


def _count(count: int, whole: int, language: Language) -> str:
    return language.say("{number} ({share})", number=number(count), share=percent(count / whole, language))
