"""The report as one HTML file that opens offline, on paper and on any screen."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from canbao.report.answer import answer
from canbao.report.charts import NARROW, WIDE, charts
from canbao.report.charts.chart import Cell, Chart, Table
from canbao.report.palette import css
from canbao.report.words import duration, legible, moment, number

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["render"]

_Sample = Mapping[str, Any] | None

_TOPICS = {
    "load": "Where it gets tight",
    "queues": "When queues build up",
    "waits": "How long people wait",
    "review": "How the review keeps its promise",
    "families": "What became of the families",
}


def render(summary: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    """Write the report of a run.

    Parameters
    ----------
    summary
        The summary of a run, as `canbao.measures.summary.summarise` gives it.
    manifest
        How the run was made; every key may be missing.

    Returns
    -------
    str
        One HTML file without scripts, that fetches nothing; the same for the same arguments.
    """
    summary, manifest = legible(summary), legible(manifest)
    return _template().render(
        answer=answer(summary),
        sections=_sections(summary),
        stations=_stations(summary),
        waits=_waits(summary),
        endings=_endings(summary),
        costs=_costs(summary),
        trust=_trust(summary),
        made=_made(summary, manifest),
        colours=css(),
    )


def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("canbao.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"cell": _cell, "kept": _kept}
    return environment.get_template("report.html.j2")


def _kept(text: str) -> str:
    """Keep a per cent sign on the line of its number."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def _cell(value: Cell) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    return f"{value:,}"


# ---------------------------------------------------------------------------------------------------------------------
# Drawings
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Drawing:
    """A chart drawn in two widths."""

    id: str
    chart: Chart
    wide: Any
    narrow: Any


@dataclass(frozen=True)
class _Section:
    """One part of the page."""

    id: str
    title: str
    drawings: Sequence[_Drawing]


def _sections(summary: Mapping[str, Any]) -> list[_Section]:
    pairs = list(zip(charts(summary, WIDE), charts(summary, NARROW), strict=True))
    drawings = [_drawing(index, wide, narrow) for index, (wide, narrow) in enumerate(pairs)]
    found = [
        _Section(topic, title, [drawing for drawing in drawings if drawing.chart.topic == topic])
        for topic, title in _TOPICS.items()
    ]
    return [section for section in found if section.drawings]


def _drawing(index: int, wide: Chart, narrow: Chart) -> _Drawing:
    from markupsafe import Markup

    from canbao.report.drawing import draw

    # What `draw` gives was parsed and written as XML, so that every text in it is escaped.
    return _Drawing(
        id=f"chart-{index + 1}",
        chart=wide,
        wide=Markup(draw(wide, f"w{index}")),
        narrow=Markup(draw(narrow, f"n{index}", tooltips=False)),
    )


# ---------------------------------------------------------------------------------------------------------------------
# Tables
# ---------------------------------------------------------------------------------------------------------------------


def _stations(summary: Mapping[str, Any]) -> Table:
    header = (
        "station",
        "belongs to",
        "served",
        "hours of staff",
        "used, by servers",
        "used, by visits",
        "longest queue",
        "when",
        "hours waited",
    )
    return Table.of(header, [_station(station) for station in summary.get("stations") or ()])


def _station(station: Mapping[str, Any]) -> list[Cell]:
    queue = station["longest_queue"]
    return [
        station["name"],
        station["group"] or "–",
        station["starts"],
        "no limit" if station["staffed_hours"] is None else number(station["staffed_hours"]),
        _used(station["utilisation"]),
        _used(station["utilisation_from_visits"]),
        number(queue),
        moment(station["longest_queue_at"]) if queue else "–",
        number(station["wait_hours"]),
    ]


def _used(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _waits(summary: Mapping[str, Any]) -> Table:
    waits = summary.get("waits") or {}
    groups = [("channel", waits.get("channels") or {}), ("station", waits.get("stations") or {})]
    groups += [(name.replace("_", " "), labels) for name, labels in (waits.get("families") or {}).items()]
    rows = [
        (kind, name, number(one["count"]), *(duration(one[key]) for key in ("mean", "median", "p90", "p95", "max")))
        for kind, labels in groups
        for name, one in labels.items()
    ]
    return Table.of(("by", "name", "visits or families", "mean", "median", "p90", "p95", "longest"), rows)


def _endings(summary: Mapping[str, Any]) -> Table:
    found = summary.get("abandonment") or {}
    groups = [
        (kind[:-1], name, one) for kind in ("channels", "stations") for name, one in (found.get(kind) or {}).items()
    ]
    endings = list(dict.fromkeys(ending for _, _, one in groups for ending in one["endings"]))
    rows = [
        (kind, name, *(one["endings"].get(ending, 0) for ending in endings), _used(one["lost_share"]))
        for kind, name, one in groups
    ]
    return Table.of(("by", "name", *endings, "lost"), rows)


def _costs(summary: Mapping[str, Any]) -> Table:
    """Give what enrolling costs families, all and by kind: hours, trips, and the time from coming first to the end."""
    spent, families = summary.get("spent") or {}, summary.get("families") or {}
    hours, trips, stay = spent.get("hours") or {}, spent.get("trips") or {}, families.get("time_in_system_s") or {}
    rows = [_cost("all", "all families", hours.get("all"), trips.get("all"), stay.get("all"))]
    for kind, labels in hours.items():
        if kind not in ("all", "total"):
            others = trips.get(kind) or {}, stay.get(kind) or {}
            rows += [_cost(kind, name, one, *(other.get(name) for other in others)) for name, one in labels.items()]
    header = (
        "by",
        "name",
        "families",
        "hours, mean",
        "hours, p95",
        "trips, mean",
        "trips, most",
        "until the end, median",
        "p90",
    )
    return Table.of(header, [row for row in rows if row])


def _cost(kind: str, name: str, hours: _Sample, trips: _Sample, stay: _Sample) -> list[Cell]:
    if not hours or not hours["count"]:
        return []
    spent = [f"{hours['mean']:.2f}", f"{hours['p95']:.2f}"]
    travelled = [f"{trips['mean']:.2f}", number(trips["max"])] if trips and trips["count"] else ["–", "–"]
    stayed = [duration(stay["median"]), duration(stay["p90"])] if stay and stay["count"] else ["–", "–"]
    return [kind.replace("_", " "), name, number(hours["count"]), *spent, *travelled, *stayed]


# ---------------------------------------------------------------------------------------------------------------------
# Trust
# ---------------------------------------------------------------------------------------------------------------------

_GRADES = {
    "A": "official text",
    "B": "press, academic work or a named body",
    "C": "question-and-answer or content pages",
    "D": "derived by arithmetic",
    "V": "checked by running code",
    "E": "an estimate of ours",
}


def _trust(summary: Mapping[str, Any]) -> dict[str, Any]:
    trust = summary.get("trust") or {}
    estimates, graded = list(trust.get("estimates") or ()), trust.get("graded") or {}
    counts = Counter(grade for grade in graded.values() if grade != "E") + Counter({"E": len(estimates)})
    return {
        "laws": list(trust.get("laws") or ()),
        "replications": trust.get("replications") or 1,
        "estimates": estimates,
        "grades": [(grade, _GRADES.get(grade, ""), counts[grade]) for grade in sorted(counts)],
        "warnings": list(trust.get("warnings") or ()),
    }


def _made(summary: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any]:
    command = manifest.get("command") or ""
    return {
        "command": command if isinstance(command, str) else shlex.join(map(str, command)),
        "facts": list(_facts(summary, manifest)),
    }


def _facts(summary: Mapping[str, Any], manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    seed = manifest.get("seed", summary.get("seed"))
    for name, value in (
        ("Run", manifest.get("run")),
        ("Scenario", manifest.get("scenario") or (summary.get("scenario") or {}).get("name")),
        ("Created", manifest.get("created")),
        ("Seed", seed),
        ("Engine", manifest.get("engine")),
        ("Versions", _pairs(manifest.get("versions"), "{} {}")),
        ("Set for this run", _listed(manifest.get("overrides"))),
        ("Plugins", _plugins(manifest.get("plugins"))),
        ("Time taken", _pairs(manifest.get("seconds"), "{} {:.1f} s")),
    ):
        if value not in (None, ""):
            yield name, str(value)


def _pairs(found: Mapping[str, Any] | None, form: str) -> str:
    return ", ".join(form.format(name, value) for name, value in (found or {}).items())


def _listed(found: Sequence[Any] | Mapping[str, Any] | None) -> str:
    if isinstance(found, Mapping):
        return _pairs(found, "{} = {}")
    return ", ".join(map(str, found or ()))


def _plugins(found: Sequence[Any] | None) -> str:
    """Name the plugins, those of one origin together."""
    origins: dict[str, list[str]] = {}
    for plugin in found or ():
        known = plugin if isinstance(plugin, Mapping) else {"name": plugin}
        origins.setdefault(str(known.get("origin") or ""), []).append(str(known.get("name")))
    return "; ".join(", ".join(names) + (f" ({origin})" if origin else "") for origin, names in origins.items())
