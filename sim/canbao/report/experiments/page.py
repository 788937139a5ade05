"""The report of an experiment as one HTML file, and its figures as SVG files for a paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from canbao.errors import InputError
from canbao.experiments.folder import REPORT, write_atomically
from canbao.languages import ENGLISH, Language, noted
from canbao.report.charts import WIDE, Chart
from canbao.report.experiments.compared import COMPARISON
from canbao.report.experiments.findings import Kind
from canbao.report.experiments.predicted import PREDICTION
from canbao.report.experiments.raced import SELECTION
from canbao.report.experiments.ranked import SENSITIVITY
from canbao.report.experiments.replicated import REPLICATIONS
from canbao.report.experiments.saturated import CAPACITY
from canbao.report.experiments.sheet import Sheet
from canbao.report.experiments.staffed import PLAN
from canbao.report.experiments.study import Study, read_study
from canbao.report.experiments.swept import SWEEP
from canbao.report.pages import sections, template
from canbao.report.palette import css
from canbao.report.words import joined, legible

__all__ = ["KINDS", "TOPICS", "experiment_charts", "render_experiment", "write_experiment_report"]

KINDS: Mapping[str, Kind] = {
    "replications": REPLICATIONS,
    "against base": COMPARISON,
    "compare": COMPARISON,
    "best": SELECTION,
    "sweep": SWEEP,
    "sensitivity": SENSITIVITY,
    "plan": PLAN,
    "prediction": PREDICTION,
    "capacity": CAPACITY,
}
"""How each kind of answer is reported."""

TOPICS = {
    "promises": noted("Were the promises kept?"),
    "knee": noted("Where it saturates"),
    "trials": noted("Trial by trial"),
    "differences": noted("What changes"),
    "candidates": noted("The candidates"),
    "held": noted("Where every objective holds"),
    "responses": noted("How the measures answer"),
    "ranking": noted("What the answer hangs on"),
    "effects": noted("How the inputs act"),
    "rota": noted("The rota over the season"),
    "tradeoff": noted("What more or less money gives"),
    "neighbours": noted("One server less"),
    "groups": noted("Who gains and who loses"),
    "measures": noted("What came out"),
    "precision": noted("How precise it is"),
    "luck": noted("What the same luck was worth"),
}
"""The parts of the page that hold charts, by the topic of the charts, in reading order."""

_NAMED = 4
"""How many variants the head of a page names."""


def experiment_charts(study: Study, width: int = WIDE) -> list[Chart]:
    """Give the charts of an experiment, in reading order, for one width in pixels."""
    charts = list(_kind(study).charts(study, Sheet(width, study.language)))
    order = list(TOPICS)
    return sorted(charts, key=lambda chart: order.index(chart.topic))


def render_experiment(study: Study) -> str:
    """Write the report of an experiment.

    Parameters
    ----------
    study
        As `read_study` gives it.

    Returns
    -------
    str
        One HTML file without scripts, that fetches nothing; the same for the same experiment, wherever it is kept.

    Raises
    ------
    InputError
        When nobody knows how to report an answer of its kind.
    """
    language = study.language
    page = template("experiment.html.j2").render(
        language=language,
        say=language.say,
        say_as=language.say_as,
        found=_kind(study).findings(study),
        title=_title(study),
        sections=sections(lambda width: experiment_charts(study, width), TOPICS, language),
        failures=study.failures,
        missing=_missing(study),
        facts=list(_facts(study)),
        colours=css(),
    )
    return legible(page)


def write_experiment_report(folder: str | Path, language: Language = ENGLISH) -> Path:
    """Write the report of a finished experiment into its folder, and give its path.

    Raises
    ------
    StorageError
        When it is not the folder of an experiment, has no answer yet, or cannot be written.
    """
    path = Path(folder) / REPORT
    write_atomically(path, render_experiment(read_study(folder, language)))
    return path


def _kind(study: Study) -> Kind:
    if study.kind not in KINDS:
        raise InputError(
            f"there is no report for an answer of kind {study.kind!r}; there are reports for: {', '.join(KINDS)}"
        )
    return KINDS[study.kind]


def _missing(study: Study) -> str:
    return study.language.plural(
        "{n} replication failed and is missing from the numbers.",
        "{n} replications failed and are missing from the numbers.",
        len(study.failures),
    )


def _title(study: Study) -> str:
    """Say what was looked at: the variants of a comparison, else a scenario by its title and name."""
    names = [variant["name"] for variant in study.asked.get("variants") or ()]
    if study.asked["kind"] == "compare" and names and len(names) <= _NAMED:
        return joined(names, study.language)
    return " · ".join(dict.fromkeys((study.title, str(study.asked["name"]))))


def _facts(study: Study) -> Iterator[tuple[str, str]]:
    """Say how the experiment was made."""
    say, asked = study.language.say, study.asked
    yield say("canbao"), str(asked["canbao"])
    seeds = sorted({seed for values in study.kept.values() for seed in values})
    if seeds:
        yield say("seeds"), say("{first} to {last}", first=seeds[0], last=seeds[-1])
    for name, value in {**(asked.get("settings") or {}), **(asked.get("goal") or {})}.items():
        if value not in (None, False, [], {}):
            yield name.replace("_", " "), _said(value)
    names = [variant["name"] for variant in asked.get("variants") or ()]
    if names:
        yield say("variants"), ", ".join(names[:8]) + (f" … ({len(names)})" if len(names) > 8 else "")


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_said, value))
    return str(value)
