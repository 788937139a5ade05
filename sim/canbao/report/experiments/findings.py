"""What a report says of an experiment, beside its charts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from canbao.report.answer import Figure
from canbao.report.charts.chart import Chart, Table
from canbao.report.experiments.sheet import Sheet
from canbao.report.experiments.study import Study
from canbao.report.tables import Listing

__all__ = ["Findings", "Judged", "Kind", "Rota"]


@dataclass(frozen=True)
class Judged:
    """One thing that was judged, with its mark."""

    held: bool | None
    mark: str
    """What the mark says."""
    title: str
    sentence: str


@dataclass(frozen=True)
class Rota:
    """Who serves when, at places with the same hours."""

    table: Table


@dataclass(frozen=True)
class Findings:
    """The answer of an experiment; sentences end with a full stop."""

    kind: str
    """What sort of experiment it is."""
    question: str
    headline: str
    held: bool | None
    """Whether what was asked for holds; None where nothing was promised."""
    judged_title: str = ""
    judged: Sequence[Judged] = ()
    sentences: Sequence[str] = ()
    doubts: Sequence[str] = ()
    """What a reader has to know before relying on it."""
    figures: Sequence[Figure] = ()
    rotas: Sequence[Rota] = ()
    rota_note: str = ""
    listings: Sequence[Listing] = ()
    method: Sequence[str] = ()
    """How the numbers were found, and what they mean."""
    beside: str = ""
    """What stands beside the report; the files of an experiment, if it is empty."""


@dataclass(frozen=True)
class Kind:
    """How experiments of one kind are reported."""

    findings: Callable[[Study], Findings]
    charts: Callable[[Study, Sheet], Iterator[Chart]]
