"""Reports of experiments: sentences, charts, page and figures agree with the answer, for every kind of experiment."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from canbao.cli import program
from canbao.errors import InputError, StorageError
from canbao.experiments import Experiment, Variant, open_experiment
from canbao.experiments.best import select_best
from canbao.experiments.comparing import compare
from canbao.experiments.executors import make_executor
from canbao.experiments.folder import EXPERIMENT, REPORT, RESULTS
from canbao.experiments.meaning import Meaning
from canbao.experiments.points import grid, latin_hypercube, points_of, variants_of
from canbao.experiments.ranking import rank
from canbao.experiments.replications import replicate_until
from canbao.experiments.sensitivity import make_design
from canbao.experiments.sweeping import sweep
from canbao.experiments.varying import read_vary
from canbao.languages import language_named
from canbao.report import Chart
from canbao.report.charts import NARROW, WIDE
from canbao.report.charts.plot import Axis, Band, Box, Dot, Line, Mark, Plot, Text
from canbao.report.drawing import draw
from canbao.report.experiments import (
    experiment_charts,
    figure_svg,
    read_study,
    render_experiment,
    width_px,
    write_experiment_report,
    write_figures,
)
from canbao.report.experiments.forest import Row, forest
from canbao.report.experiments.page import KINDS, TOPICS
from canbao.report.experiments.sheet import Sheet, spread_apart, value_axis
from canbao.report.experiments.units import sharing_an_axis
from canbao.report.experiments.values import change, interval, scale_of
from canbao.report.palette import COLOURS
from canbao.statistics.precision import Hoad

ENGLISH, CHINESE = language_named("en"), language_named("zh")

SEEDS = range(1, 7)
BAD = "a<b>&c"
"""A name that would break a page where it is not escaped."""


# ---------------------------------------------------------------------------------------------------------------------
# Experiments that take no time
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Season:
    """Gives measures like those of a season, with luck that all variants share; staff shortens waits."""

    staff: float = 2.0
    online: float = 0.5

    def replicate(self, seed: int) -> Mapping[str, float]:
        luck = float(np.random.default_rng(seed).normal())
        wait = 600.0 / self.staff + 30.0 * luck
        share = min(1.0, 0.90 + 0.03 * self.staff + 0.01 * luck)
        groups = {f"equity.residence.families.{label}": count for label, count in (("urban", 600.0), ("rural", 400.0))}
        groups |= {
            f"equity.residence.means.{label}.hours": hours * (1.5 - self.online) + 0.01 * luck
            for label, hours in (("urban", 1.0), ("rural", 2.0))
        }
        return {
            "objectives.review": share,
            "objectives.review.held": float(share >= 0.95),
            "objectives.hall-wait": wait,
            "objectives.hall-wait.held": float(wait <= 300.0),
            "waits.channels.office.p90": wait,
            "money.costs.total_yuan": 50_000.0 * self.staff + 100.0 * luck,
            **groups,
        }

    def command(self, seed: int) -> str:
        return f"season --seed {seed}"

    def key(self) -> str:
        return f"{self.staff}-{self.online}".ljust(12, "0")


MEANINGS = {"objectives.review": Meaning("share", "higher"), "objectives.hall-wait": Meaning("s", "lower")}

Make = Callable[[Path], Path]


def _opened(out: Path, kind: str, variants: Sequence[Variant]) -> Experiment:
    return open_experiment(out, "town", kind, variants, make_executor("serial"), report=write_experiment_report)


def _replications(out: Path) -> Path:
    variant = Variant("town", Season())
    with _opened(out, "replications", [variant]) as experiment:
        rule = Hoad(precision=0.02, budget=12)
        found = replicate_until(experiment, variant, rule, measures=["waits.channels.office.p90"])
        experiment.conclude(found.as_data())
    return experiment.folder


def _comparison(out: Path, *others: Variant) -> Path:
    variants = [Variant("base", Season()), *(others or (Variant(BAD, Season(3.0, 0.9)),))]
    with _opened(out, "compare", variants) as experiment:
        found = compare(experiment.replicate(variants, SEEDS), known_meanings=MEANINGS)
        experiment.conclude({"kind": "against base", **found.as_data()})
    return experiment.folder


def _three(out: Path) -> Path:
    return _comparison(out, Variant("more", Season(3.0, 0.9)), Variant("less", Season(1.0, 0.1)))


def _selection(out: Path) -> Path:
    variants = [Variant(f"staff {n}", Season(float(n))) for n in (1, 2, 3)]
    with _opened(out, "compare", variants) as experiment:
        found = select_best(experiment, variants, "waits.channels.office.p90", indifference=20.0)
        experiment.conclude({"kind": "best", **found.as_data()})
    return experiment.folder


def _season(settings: Sequence[str]) -> Season:
    given = dict(text.split("=") for text in settings)
    return Season(float(given.get("staff", 2)), float(given.get("online", 0.5)))


def _sweep(out: Path, *texts: str, lhs: int = 0) -> Path:
    inputs = tuple(read_vary(text) for text in texts)
    points = latin_hypercube(inputs, lhs) if lhs else grid(inputs)
    variants = variants_of(points, _season)
    with _opened(out, "sweep", variants) as experiment:
        results = experiment.replicate(variants, SEEDS)
        found = sweep(results, inputs, points, design="latin hypercube" if lhs else "grid", meanings=MEANINGS)
        experiment.conclude({"kind": "sweep", **found.as_data()})
    return experiment.folder


def _ranking(out: Path, method: str) -> Path:
    inputs = (read_vary("staff=1:4"), read_vary("online=0.1:0.9"))
    design = make_design(method, ["staff", "online"], 4)
    points, which = points_of(inputs, design.shares)
    variants = variants_of(points, _season, told=False)
    with _opened(out, "sweep", variants) as experiment:
        results = experiment.replicate(variants, [1])
        found = rank(results, inputs, design, which, grades={"staff": "E", "online": "B"})
        experiment.conclude({"kind": "sensitivity", **found.as_data()})
    return experiment.folder


def _estimate(mean: float, half_width: float) -> dict[str, Any]:
    return {"mean": mean, "half_width": half_width, "level": 0.95, "n": 20}


def _plan_point(yuan: float, held: int, review: float, wait: float) -> dict[str, Any]:
    return {
        "yuan": yuan,
        "held": held,
        "n": 20,
        "share": {"share": held / 20, "low": max(0.0, held / 20 - 0.2), "high": min(1.0, held / 20 + 0.1)},
        "objectives": {"review": _estimate(review, 0.01), "hall-wait": _estimate(wait, 40.0)},
    }


def _lever(start: str, end: str, count: int) -> dict[str, Any]:
    return {
        "name": f"channels.office.sites.hall, {start} to {end}, 08:30-12:00",
        "place": "channels.office.sites.hall",
        "kind": "windows",
        "start": start,
        "end": end,
        "hours": [8.5, 12.0],
        "yuan_each": 3_000.0,
        "load": 1.5,
        "theory": 3,
        "count": count,
    }


PLAN: dict[str, Any] = {
    "holds": True,
    "possible": True,
    "probability": 0.9,
    "confidence": 0.95,
    "objectives": [
        {"name": "review", "title": "Review", "kind": "review", "wanted": {"at_least": 0.95}, "unit": "share"},
        {"name": "hall-wait", "title": "Hall", "kind": "wait", "wanted": {"at_most": 1_800.0}, "unit": "s"},
    ],
    "cost": {"yuan": 84_000.0, "now_yuan": 111_000.0, "fixed_yuan": 0},
    "proof": {"held": 75, "n": 76, "at_least": 0.902, "method": "a test", "first_seed": 21},
    "levers": [_lever("2025-12-08", "2025-12-28", 2), _lever("2025-12-29", "2026-01-04", 10)],
    "neighbours": [
        {
            "lever": _lever("2025-12-08", "2025-12-28", 2)["name"],
            "saves_yuan": 3_000.0,
            "held": 0,
            "n": 4,
            "at_most": 0.65,
            "verdict": "does not hold",
        },
        {
            "lever": _lever("2025-12-29", "2026-01-04", 10)["name"],
            "saves_yuan": 800.0,
            "held": 182,
            "n": 200,
            "at_most": 0.96,
            "verdict": "undecided",
        },
    ],
    "rota": [
        {
            "place": "channels.office.sites.hall",
            "name": "hall",
            "kind": "windows",
            "periods": [
                {
                    "start": start,
                    "end": end,
                    "blocks": [{"hours": "08:30-12:00", "count": n}, {"hours": "14:00-17:30", "count": n + 1}],
                }
                for start, end, n in (("2025-12-08", "2025-12-28", 2), ("2025-12-29", "2026-01-04", 10))
            ],
        },
        {
            "place": "channels.portal",
            "name": "portal",
            "kind": "slots",
            "periods": [{"start": "2025-12-08", "end": "2026-01-04", "blocks": [{"hours": "all hours", "count": 5}]}],
        },
    ],
    "as_it_is": _plan_point(111_000.0, 0, 0.93, 2_900.0),
    "curve": [
        {"servers": -2, **_plan_point(80_000.0, 3, 0.91, 2_400.0)},
        {"servers": 0, **_plan_point(84_000.0, 20, 0.96, 1_600.0)},
        {"servers": 2, **_plan_point(90_000.0, 20, 0.97, 1_500.0)},
    ],
    "replications": 865,
}


def _plan(out: Path) -> Path:
    variant = Variant("as it is", Season())
    with _opened(out, "plan", [variant]) as experiment:
        experiment.replicate([variant], SEEDS)
        experiment.conclude(PLAN)
    return experiment.folder


MAKERS: Mapping[str, Make] = {
    "replications": _replications,
    "comparison": _comparison,
    "comparison of three": _three,
    "selection": _selection,
    "sweep of one": lambda out: _sweep(out, "staff=1..5"),
    "sweep of two": lambda out: _sweep(out, "staff=1..4", "online=0.1:0.9:3"),
    "sweep of three": lambda out: _sweep(out, "staff=1..3", "online=0.1:0.9:2", "other=x,y"),
    "hypercube": lambda out: _sweep(out, "staff=1:4", "online=0.1:0.9", lhs=8),
    "morris": lambda out: _ranking(out, "morris"),
    "sobol": lambda out: _ranking(out, "sobol"),
    "plan": _plan,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Give the folder of one experiment of each sort."""
    return {name: make(tmp_path_factory.mktemp(name.replace(" ", "-"))) for name, make in MAKERS.items()}


every_sort = pytest.mark.parametrize("sort", MAKERS)


class _Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "srcset", "action")]
        self.ids |= {value or "" for name, value in attrs if name == "id"}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.texts[tag][-1] += data


def charts_of(folder: Path, width: int = WIDE) -> list[Chart]:
    """Give the charts of an experiment."""
    return experiment_charts(read_study(folder), width)


def chart_named(folder: Path, name: str) -> Chart:
    """Give one chart of an experiment."""
    return next(chart for chart in charts_of(folder) if chart.name == name)


def answer_of(folder: Path) -> dict[str, Any]:
    """Give the answer of an experiment."""
    answer: dict[str, Any] = json.loads((folder / EXPERIMENT).read_text(encoding="utf-8"))["answer"]
    return answer


def dots(plot: Plot) -> list[Dot]:
    """Give the marked estimates of a plot, without the pale dots of single replications."""
    return [mark for mark in plot.marks if isinstance(mark, Dot) and mark.colour != "soft"]


# ---------------------------------------------------------------------------------------------------------------------
# The page
# ---------------------------------------------------------------------------------------------------------------------


@every_sort
@pytest.mark.parametrize("language", [ENGLISH, CHINESE], ids=lambda each: each.code)
def test_the_report_stands_alone(sort: str, language: Any, folders: dict[str, Path]) -> None:
    """No script, nothing to fetch, one heading, every link inside leads somewhere, and tags are closed as opened."""
    page = _Page(render_experiment(read_study(folders[sort], language)))
    assert page.tags["script"] == 0
    assert page.tags["h1"] == 1
    assert {link.removeprefix("#") for link in page.links} <= page.ids
    assert page.open == []


@every_sort
def test_the_answer_is_the_heading_and_the_title(sort: str, folders: dict[str, Path]) -> None:
    """What the findings say first stands largest, and ends with a full stop."""
    study = read_study(folders[sort])
    headline = KINDS[study.kind].findings(study).headline.replace(" %", "\N{NO-BREAK SPACE}%")
    page = _Page(render_experiment(study))
    assert page.texts["h1"] == [headline]
    assert headline.replace("\N{NO-BREAK SPACE}", " ") in page.texts["title"][0]
    assert headline.endswith(".")


@every_sort
def test_each_chart_is_drawn_twice_with_its_table(sort: str, folders: dict[str, Path]) -> None:
    """Nothing is told by a picture alone: each chart has a title, a caption and its numbers below it."""
    page, found = _Page(render_experiment(read_study(folders[sort]))), charts_of(folders[sort])
    assert page.tags["svg"] == 2 * len(found) > 0
    assert page.tags["figure"] == len(found)
    for chart in found:
        assert "" not in (chart.title, chart.caption)
        assert len(chart.table.rows) > 0
        assert {len(row) for row in chart.table.rows} == {len(chart.table.header)}


@every_sort
def test_charts_are_whole(sort: str, folders: dict[str, Path]) -> None:
    """Names are unique, topics and colours are known, and both widths have the same charts."""
    found = charts_of(folders[sort])
    assert len({chart.name for chart in found}) == len(found)
    assert {chart.topic for chart in found} <= set(TOPICS)
    colours = {mark.colour for chart in found for mark in chart.plot.marks}
    assert colours | {key.colour for chart in found for key in chart.keys} <= set(COLOURS)
    assert [chart.name for chart in charts_of(folders[sort], NARROW)] == [chart.name for chart in found]
    assert {chart.plot.size[0] for chart in found} == {WIDE}


@every_sort
def test_the_report_is_written_when_an_experiment_ends_and_again_by_hand(sort: str, folders: dict[str, Path]) -> None:
    """Both are the same bytes, and say nothing of where the folder is."""
    before = (folders[sort] / REPORT).read_bytes()
    assert write_experiment_report(folders[sort]).read_bytes() == before
    assert str(folders[sort].parents[3]).encode() not in before


def test_names_of_variants_are_text_and_not_html(folders: dict[str, Path]) -> None:
    """A variant may be called anything, in sentences, tables and drawings."""
    html = render_experiment(read_study(folders["comparison"]))
    assert BAD not in html
    assert "a&lt;b&gt;&amp;c" in html
    for chart in charts_of(folders["comparison"]):
        ET.fromstring(figure_svg(chart, titled=True))


def test_failed_replications_are_told_with_their_command(tmp_path: Path, folders: dict[str, Path]) -> None:
    """A reader sees that something is missing, and how to repeat it alone."""
    folder = shutil.copytree(folders["replications"], tmp_path / "copy")
    asked = json.loads((folder / EXPERIMENT).read_text(encoding="utf-8"))
    asked["failures"] = [{"variant": "town", "seed": 3, "problem": "bad luck", "command": "season --seed 3"}]
    (folder / EXPERIMENT).write_text(json.dumps(asked), encoding="utf-8")
    html = render_experiment(read_study(folder))
    assert "1 replication failed and is missing from the numbers." in html
    assert "<code>season --seed 3</code>" in html


def test_an_experiment_without_an_answer_has_no_report(tmp_path: Path) -> None:
    """The error says how to go on with it; and a damaged table is no crash."""
    variant = Variant("town", Season())
    with _opened(tmp_path, "replications", [variant]) as experiment:
        experiment.replicate([variant], SEEDS)
        with pytest.raises(StorageError, match=r"no answer yet.*--resume"):
            read_study(experiment.folder)
    folder = _plan(tmp_path / "plan")
    (folder / RESULTS).write_bytes(b"no table")
    with pytest.raises(StorageError, match="cannot be read"):
        read_study(folder)


def test_an_answer_of_a_kind_of_its_own_has_no_report(folders: dict[str, Path]) -> None:
    """Whoever concludes an experiment with another answer is told which ones are reported."""
    study = read_study(folders["plan"])
    own = type(study)({**study.asked, "kind": "my own"}, study.kept)
    with pytest.raises(InputError, match="no report for an answer of kind 'my own'; there are reports for: replic"):
        render_experiment(own)


def test_objectives_have_the_titles_and_thresholds_of_the_scenario(tmp_path: Path) -> None:
    """Those of the kept scenario stand in the charts of a sweep, which has neither in its answer."""
    folder = _sweep(tmp_path, "staff=1..3")
    place = folder / "variants" / "point-1"
    place.mkdir(parents=True)
    objectives = '[objectives.hall-wait]\nkind = "wait"\ntitle = "Short waits"\nat_most = "5 min"\n'
    (place / "scenario.toml").write_text(f'title = "A town"\n{objectives}', encoding="utf-8")
    chart = next(chart for chart in charts_of(folder) if chart.title.startswith("Short waits"))
    limits = [mark for mark in chart.plot.marks if isinstance(mark, Line) and mark.dashed]
    assert [point[1] for point in limits[0].points] == [5.0, 5.0]
    assert chart.plot.y.title == "Short waits (min)"


# ---------------------------------------------------------------------------------------------------------------------
# What charts and sentences say
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [WIDE, NARROW])
@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=8))
def test_intervals_are_drawn_where_they_are(width: int, found: list[tuple[float, float, float]]) -> None:
    """Every estimate, both its ends and its threshold stand inside the axis, in the row of its name."""
    rows = [Row(f"row {n}", mean, mean - half, mean + half, limit=limit) for n, (mean, half, limit) in enumerate(found)]
    plot = forest(rows, Sheet(width, ENGLISH), "x")
    drawn = dots(plot)
    assert [(dot.x, int(dot.y)) for dot in drawn] == [(row.middle, n) for n, row in enumerate(rows)]
    ends = {(line.points[0][0], line.points[1][0]) for line in plot.marks if isinstance(line, Line)}
    grain = 1e-6 * (plot.x.high - plot.x.low)
    for row in rows:
        assert (row.low, row.high) in ends
        for value in (row.low, row.middle, row.high, row.limit):
            assert value is not None
            assert plot.x.low - grain <= value <= plot.x.high + grain


def test_a_comparison_counts_what_is_better_and_worse(folders: dict[str, Path]) -> None:
    """The heading has the numbers of verdicts, and every measure that differs stands in a chart."""
    answer, study = answer_of(folders["comparison"]), read_study(folders["comparison"])
    found = Counter(row["verdict"] for row in answer["measures"])
    headline = KINDS[study.kind].findings(study).headline
    assert min(found["better"], found["worse"]) > 0
    assert (
        f"better in {found['better']} and worse in {found['worse']} of {len(answer['measures'])} measures" in headline
    )
    charts = [chart for chart in charts_of(folders["comparison"]) if chart.topic == "differences"]
    assert sum(len(chart.table.rows) for chart in charts) >= sum(found.values()) - found["same"]


def test_differences_are_drawn_with_their_sign_and_verdict(folders: dict[str, Path]) -> None:
    """What is worse is a diamond, what is better a circle, right of zero where it is more."""
    for row in answer_of(folders["comparison"])["measures"]:
        name = read_study(folders["comparison"]).name(row["measure"])
        charts = [c for c in charts_of(folders["comparison"]) if c.topic == "differences"]
        chart = next(c for c in charts if name in [line[0] for line in c.table.rows])
        place = [line[0] for line in chart.table.rows].index(name)
        dot = dots(chart.plot)[place]
        assert (dot.x > 0) == (row["difference"]["mean"] > 0)
        assert dot.shape == {"better": "circle", "worse": "diamond"}[row["verdict"]]


def test_the_breakdown_names_who_gains_and_who_loses(folders: dict[str, Path]) -> None:
    """Each group that is told apart has its mark; less online is more hours for everybody."""
    gain, lose = (chart_named(folders["comparison of three"], f"groups-hours-{n}") for n in (1, 2))
    assert {dot.shape for dot in dots(gain.plot)} == {"circle"}
    assert {dot.shape for dot in dots(lose.plot)} == {"diamond"}
    assert [row[0] for row in gain.table.rows] == ["residence: urban", "residence: rural"]
    assert "2 kinds of families gain, 0 lose" in gain.title


def test_variance_ratios_stand_on_their_side_of_one(folders: dict[str, Path]) -> None:
    """The axis is logarithmic: 1 is at zero, and each dot at the logarithm of its ratio."""
    answer = answer_of(folders["comparison"])
    ratios = sorted((row["variance_ratio"] for row in answer["measures"] if row["variance_ratio"]), reverse=True)
    drawn = [dot.x for dot in dots(chart_named(folders["comparison"], "variance-ratios").plot)]
    assert drawn == pytest.approx(np.log10(ratios))


def test_seeds_are_drawn_as_they_were_kept(folders: dict[str, Path]) -> None:
    """One line a variant, one dot a seed, at the value that the replication gave."""
    study = read_study(folders["comparison of three"])
    chart = chart_named(folders["comparison of three"], "seeds")
    variants = [variant["name"] for variant in study.asked["variants"]]
    assert len(dots(chart.plot)) == len(variants) * len(SEEDS)
    assert [row[0] for row in chart.table.rows] == list(SEEDS)
    assert chart.table.header[1:] == tuple(variants)


def test_the_best_is_named_and_the_zone_is_as_wide_as_was_asked(folders: dict[str, Path]) -> None:
    """The shaded stretch reaches from zero to the indifference, and the others stand behind the best."""
    answer, chart = answer_of(folders["selection"]), chart_named(folders["selection"], "behind")
    (zone,) = [mark for mark in chart.plot.marks if isinstance(mark, Box)]
    others = [row for row in answer["candidates"] if row["variant"] != answer["best"]]
    scale = dots(chart.plot)[0].x / others[0]["behind"]["mean"]
    assert zone.x == pytest.approx((0.0, scale * 20.0))
    assert len(dots(chart.plot)) == len(others) == 2
    assert answer["best"] == "staff 3"
    assert f"{answer['best']} leads" in [chart.title for chart in charts_of(folders["selection"])]


def test_a_sweep_says_where_every_objective_held(folders: dict[str, Path]) -> None:
    """The count of the heading is that of the points on whose every seed all objectives held."""
    model_held = {
        staff: all(
            values["objectives.review.held"] and values["objectives.hall-wait.held"]
            for values in (Season(float(staff)).replicate(seed) for seed in SEEDS)
        )
        for staff in range(1, 6)
    }
    study = read_study(folders["sweep of one"])
    assert 0 < sum(model_held.values()) < 5
    headline = KINDS[study.kind].findings(study).headline
    assert headline == f"At {sum(model_held.values())} of 5 points every objective held on every seed."
    chart = chart_named(folders["sweep of one"], "held")
    assert [row for row, held in zip(chart.table.rows, model_held.values(), strict=True) if held] == [
        row for row in chart.table.rows if row[1] == "100 %"
    ]


def test_a_response_goes_through_its_points(folders: dict[str, Path]) -> None:
    """One dot a point, at its level and mean; with two inputs one line a level and one cell a point."""
    answer = answer_of(folders["sweep of one"])
    means = [point["measures"]["objectives.review"]["mean"] for point in answer["points"]]
    charts = charts_of(folders["sweep of one"])
    chart = next(each for each in charts if each.topic == "responses" and each.title.startswith("review"))
    assert [dot.x for dot in dots(chart.plot)] == [1, 2, 3, 4, 5]
    assert [dot.y for dot in dots(chart.plot)] == pytest.approx([100 * mean for mean in means])
    lines, cells = (chart_named(folders["sweep of two"], name) for name in ("response-1", "grid-1"))
    assert [key.label for key in lines.keys[:3]] == ["online = 0.1", "online = 0.5", "online = 0.9"]
    assert sum(isinstance(mark, Box) for mark in cells.plot.marks) == 12


@pytest.mark.parametrize("sort", ["morris", "sobol"])
def test_inputs_stand_in_the_order_of_their_importance(sort: str, folders: dict[str, Path]) -> None:
    """The most important first, and those that are estimates as diamonds."""
    answer = answer_of(folders[sort])
    ranking = next(each for each in answer["rankings"] if each["effects"][0]["importance"])
    chart = chart_named(folders[sort], "ranking-1")
    shown = dots(chart.plot)
    assert all(before.x >= after.x for before, after in pairwise(shown))
    shapes = {"staff": "diamond", "online": "circle"}
    assert [dot.shape for dot in shown] == [shapes[each["path"]] for each in ranking["effects"] if each["importance"]]


def test_precision_ends_where_the_answer_is(folders: dict[str, Path]) -> None:
    """The last mean and band of the history are mean and interval of the answer, and its table says so."""
    answer, chart = answer_of(folders["replications"]), chart_named(folders["replications"], "precision-1")
    rows = {row["measure"]: row["interval"] for row in answer["measures"]}
    (band,) = [mark for mark in chart.plot.marks if isinstance(mark, Band)]
    found = rows["waits.channels.office.p90"]
    ends = [(found["mean"] + way * found["half_width"]) / 60 for way in (-1, 1)]
    assert [band.low[-1][1], band.high[-1][1]] == pytest.approx(ends)
    assert chart.table.rows[-1] == (answer["replications"], interval(found, "s", ENGLISH))


def test_the_rota_has_every_place_period_and_block(folders: dict[str, Path]) -> None:
    """As a table to pin up and as a drawing: the same numbers at the same dates."""
    study = read_study(folders["plan"])
    tables = [rota.table for rota in KINDS["plan"].findings(study).rotas]
    assert tables[0].header == ("place", "dates", "08:30–12:00", "14:00–17:30")
    assert tables[0].rows == (("hall (windows)", "8 Dec – 28 Dec", "2", "3"), ("", "29 Dec – 4 Jan", "10", "11"))
    assert tables[1].rows == (("portal (slots)", "8 Dec – 4 Jan", "5"),)
    chart = chart_named(folders["plan"], "rota")
    texts = [mark.text for mark in chart.plot.marks if isinstance(mark, Text)]
    assert texts == ["2", "10", "3", "11", "5"]
    assert sum(row[-1] for row in chart.table.rows) == sum(map(int, texts))


def test_the_trade_off_has_every_plan_at_its_cost(folders: dict[str, Path]) -> None:
    """Cost against chance and against each objective, with the plan and the staff as it is told apart."""
    for name in ("tradeoff", "tradeoff-1", "tradeoff-2"):
        chart = chart_named(folders["plan"], name)
        assert sorted(dot.x for dot in dots(chart.plot)) == pytest.approx([80, 84, 84, 90, 111])
        assert {dot.shape for dot in dots(chart.plot)} == {"circle", "square", "triangle"}
    heights = {dot.x: dot.y for dot in dots(chart_named(folders["plan"], "tradeoff").plot)}
    assert heights == {80.0: 15.0, 84.0: 100.0, 90.0: 100.0, 111.0: 0.0}


def test_a_plan_that_does_not_hold_is_not_praised(tmp_path: Path, folders: dict[str, Path]) -> None:
    """Neither one that nobody proved nor one that cannot be has the words or the colour of success."""
    study = read_study(folders["plan"])
    for change_, said in (
        ({"holds": False}, "No staffing was proved to hold"),
        ({"holds": False, "possible": False, "proof": None}, "No staffing that is allowed holds"),
    ):
        changed = type(study)({**study.asked, "answer": {**PLAN, **change_}}, study.kept)
        html = render_experiment(changed)
        assert said in html
        assert '<h1 class="missed">' in html


# ---------------------------------------------------------------------------------------------------------------------
# Axes and numbers
# ---------------------------------------------------------------------------------------------------------------------

finite = st.floats(-1e9, 1e9)


def _drawn(*marks: Mark) -> list[ET.Element]:
    """Draw marks in a plot of 100 by 100 pixels, and give their paths."""
    root = ET.fromstring(draw(Plot(100, 100, Axis(0, 100), Axis(0, 100), marks), "a title"))
    return list(root.iter("path"))


def test_a_band_reaches_from_its_lower_to_its_upper_line() -> None:
    """It goes along the one and back along the other."""
    (path,) = _drawn(Band(((0, 10), (100, 20)), ((0, 30), (100, 40)), "soft"))
    assert path.attrib["d"] == "M0,90L100,80L100,60L0,70Z"


def test_a_ring_is_hollow_and_other_dots_are_filled() -> None:
    """Whether luck may explain a difference is seen without colours."""
    ring, square, triangle = _drawn(*(Dot(50, 50, "ink", 4, shape) for shape in ("ring", "square", "triangle")))
    assert (ring.attrib["fill"], ring.attrib["stroke"]) == (COLOURS["paper"][0], COLOURS["ink"][0])
    assert {square.attrib["fill"], triangle.attrib["fill"]} == {COLOURS["ink"][0]}
    assert square.attrib["d"] == "M50,50m-4,-4h8v8h-8Z"
    assert triangle.attrib["d"] == "M50,50m-4,4h8l-4,-8Z"


@given(st.lists(finite, min_size=1, max_size=20), st.integers(3, 10))
def test_an_axis_holds_its_values_and_has_ticks_at_round_numbers(values: list[float], count: int) -> None:
    """Ticks ascend, evenly; the ends are ticks and no value lies outside."""
    axis = value_axis(values, "", count)
    places = [tick.at for tick in axis.ticks]
    grain = 1e-6 * (places[1] - places[0])
    assert axis.low - grain <= min(values)
    assert max(values) <= axis.high + grain
    assert places == sorted(places)
    assert 2 <= len(places) <= 3 * count
    assert len({tick.label for tick in axis.ticks}) == len(places)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=8), st.floats(0.1, 20))
def test_labels_are_moved_apart_and_keep_their_order(places: list[float], least: float) -> None:
    """No two are nearer than that, none goes down, and what stood above stays above."""
    moved = spread_apart(places, least)
    order = sorted(range(len(places)), key=lambda each: places[each])
    assert all(moved[b] - moved[a] >= least - 1e-9 for a, b in pairwise(order))
    assert all(new >= old for new, old in zip(moved, places, strict=True))


@given(st.lists(st.tuples(st.sampled_from(["s", "share", "yuan"]), st.floats(0, 1e7)), max_size=12))
def test_rows_that_share_an_axis_have_one_unit_and_like_sizes(given_rows: list[tuple[str, float]]) -> None:
    """Every row is drawn once; but for shares, no row of a chart is lost beside another."""
    rows = [{"unit": unit, "size": size, "n": n} for n, (unit, size) in enumerate(given_rows)]
    charts = list(sharing_an_axis(rows, lambda row: row["size"]))
    assert sorted(row["n"] for _, chart in charts for row in chart) == list(range(len(rows)))
    for unit, chart in charts:
        assert {row["unit"] for row in chart} == {unit}
        assert [row["n"] for row in chart] == sorted(row["n"] for row in chart)
        sizes = [row["size"] for row in chart if row["size"]]
        assert unit == "share" or not sizes or max(sizes) <= 41 * min(sizes)


@pytest.mark.parametrize(
    ("mean", "half_width", "unit", "said"),
    [
        (0.971, 0.004, "share", "97.1 % ± 0.4 points"),
        (92.0, 31.0, "s", "1 min 32 s ± 31 s"),
        (2_095.3, 4.754, "families", "2,095.3 ± 4.8"),
        (0.396_7, 0.004_6, "working days", "0.3967 ± 0.0046 working days"),
        (5.0, 0.0, "", "5"),
        (5.0, None, "", "5"),
        (None, None, "s", "–"),
    ],
)
def test_numbers_have_as_many_digits_as_their_interval(
    mean: float | None, half_width: float | None, unit: str, said: str
) -> None:
    """A mean and its half-width are written alike, in the unit."""
    assert interval({"mean": mean, "half_width": half_width}, unit, ENGLISH) == said


def test_a_difference_has_a_sign_and_a_share_has_points() -> None:
    """A share that falls by two points is not one of minus two per cent."""
    assert change({"mean": -0.02, "half_width": 0.01}, "share", ENGLISH) == "−2 points ± 1 point"
    assert change({"mean": 3_720.0, "half_width": 60.0}, "s", ENGLISH) == "+1 h 2 min ± 1 min"
    assert change({"mean": 0.0, "half_width": 0.0}, "s", ENGLISH) == "0"
    assert change({"mean": 1.1e-16, "half_width": 0.009}, "share", ENGLISH) == "0 ± 0.9 points"
    assert change({"mean": 1e-5, "half_width": 2e-6}, "", ENGLISH) == "+0.000010 ± 0.000002"
    assert scale_of("share", [0.5], ENGLISH, difference=True).unit == "percentage points"


# ---------------------------------------------------------------------------------------------------------------------
# Figures for a paper
# ---------------------------------------------------------------------------------------------------------------------


@every_sort
def test_figures_are_files_of_their_own_with_text_as_text(sort: str, tmp_path: Path, folders: dict[str, Path]) -> None:
    """Each is XML with a size in millimetres, a title for those who do not see it, letters, and nothing outside."""
    found = charts_of(folders[sort], width_px(85))
    for chart, path in zip(found, write_figures(found, tmp_path), strict=True):
        root = ET.fromstring(path.read_text(encoding="utf-8"))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert float(root.attrib["width"].removesuffix("mm")) == pytest.approx(85, abs=0.2)
        assert {"font-family", "font-size"} <= root.attrib.keys()
        (title,) = root.findall("{http://www.w3.org/2000/svg}title")
        assert title.text == chart.title
        texts = ["".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text")]
        assert {key.label for key in chart.keys} <= set(texts)
        assert chart.title not in texts
        assert not re.search(r"(href|url\(|<script|<style)", path.read_text(encoding="utf-8"))
        with path.with_suffix(".csv").open(encoding="utf-8") as stream:
            rows = list(csv.reader(stream))
        assert rows[0] == list(chart.table.header)
        assert len(rows) == 1 + len(chart.table.rows)


def test_a_title_is_written_where_it_is_wanted(folders: dict[str, Path]) -> None:
    """It takes as many lines as it needs, and the plot moves down by them."""
    chart = chart_named(folders["comparison"], "seeds")
    plain, titled = (ET.fromstring(figure_svg(chart, titled=each)) for each in (False, True))
    assert float(titled.attrib["height"][:-2]) > float(plain.attrib["height"][:-2])
    texts = ["".join(each.itertext()) for each in titled.iter("{http://www.w3.org/2000/svg}text")]
    assert chart.title.startswith(texts[0])


def _lightness(colour: str) -> float:
    """Give the relative luminance of a colour (WCAG 2.2), from 0 to 1."""
    parts = (int(COLOURS[colour][0][n : n + 2], 16) / 255 for n in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@every_sort
def test_grey_paper_tells_marks_apart(sort: str, folders: dict[str, Path]) -> None:
    """Any two entries of a key differ in shape, or else clearly in lightness."""
    for chart in charts_of(folders[sort]):
        for one, other in combinations(chart.keys, 2):
            near, far = sorted((_lightness(one.colour), _lightness(other.colour)))
            assert one.shape != other.shape or (far + 0.05) / (near + 0.05) >= 1.5, (chart.name, one, other)


@every_sort
def test_every_axis_of_numbers_says_what_it_counts(sort: str, folders: dict[str, Path]) -> None:
    """A figure is read without the text around it: axes with numbers have titles."""
    for chart in charts_of(folders[sort]):
        for axis in (chart.plot.x, chart.plot.y):
            numbers = axis.ticks and all(re.fullmatch(r"[−\d,.]+", tick.label[0]) for tick in axis.ticks)
            # Shares and lengths of several measures have a unit for a title.
            assert axis.title or not numbers, chart.name


# ---------------------------------------------------------------------------------------------------------------------
# The command
# ---------------------------------------------------------------------------------------------------------------------


def test_the_command_renders_an_experiment_again(folders: dict[str, Path]) -> None:
    """It prints the path of the report, in the language that is asked for."""
    done = CliRunner().invoke(program, ["report", str(folders["plan"]), "--lang", "zh"])
    assert (done.exit_code, done.stdout) == (0, f"{folders['plan'] / REPORT}\n")
    assert '<html lang="zh-CN">' in (folders["plan"] / REPORT).read_text(encoding="utf-8")
    done = CliRunner().invoke(program, ["report", str(folders["plan"]), "--lang", "en", "--json"])
    assert json.loads(done.stdout) == {"folder": str(folders["plan"]), "report": str(folders["plan"] / REPORT)}


def test_the_command_draws_figures(tmp_path: Path, folders: dict[str, Path]) -> None:
    """It prints a path for each chart, and leaves the report as it is."""
    before = (folders["sweep of one"] / REPORT).stat().st_mtime_ns
    asked = ["report", str(folders["sweep of one"]), "--figures", str(tmp_path / "figures"), "--width", "120"]
    done = CliRunner().invoke(program, asked)
    names = [f"{chart.name}.svg" for chart in charts_of(folders["sweep of one"])]
    assert done.stdout.splitlines() == [str(tmp_path / "figures" / name) for name in names]
    assert (folders["sweep of one"] / REPORT).stat().st_mtime_ns == before
