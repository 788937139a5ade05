"""The report of a search for the capacity says what the search says, in words, charts and tables."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from canbao.cli import program
from canbao.languages import ENGLISH, language_named
from canbao.report.charts import WIDE
from canbao.report.charts.plot import Dot
from canbao.report.experiments import experiment_charts
from canbao.report.experiments.study import Study
from canbao.report.experiments.writing import write_capacity_report
from canbao.report.loads.capacity import found_said, headline, rate_said, trial_said, why_said
from canbao_loadtests.load import searching
from canbao_loadtests.load.capacity import Rules, Trial, find_capacity
from canbao_loadtests.load.searching import BOUNDS

SCENARIO = {"name": "town", "title": "A <town>", "seed": 1, "command": "canbao load town.toml --find-capacity"}


def searched(run_at: Callable[[float], Trial], rules: Rules) -> dict[str, Any]:
    """Give what `capacity.json` would hold."""
    return {**find_capacity(run_at, rules).as_data(), "bounds": BOUNDS, "trial_s": 5.0}


def up_to(knee: float, most: float = 1e9) -> Callable[[float], Trial]:
    """Pretend load tests that hold up to a rate, and that can be offered up to another."""

    def run_at(rate: float) -> Trial:
        p95_s = 0.2 if rate <= knee else 1.4
        figures = {"p95_s": p95_s, "in_time_share": 0.99 if rate <= knee else 0.9, "failed_share": 0.0}
        return Trial(rate, held=rate <= knee, valid=rate <= most, figures=figures, run=f"there/{rate:.4f}")

    return run_at


@pytest.fixture(scope="module")
def answer() -> dict[str, Any]:
    """Give a search that found its knee at 37 families a second."""
    return searched(up_to(37.0), Rules(start=5.0))


def test_the_headline_has_both_ends_of_the_knee(answer: dict[str, Any]) -> None:
    """And what gave way stands there, with the risk."""
    low, high = rate_said(answer["low"]), rate_said(answer["high"])
    assert headline(answer, ENGLISH) == f"It holds at {low} families a second, and no longer at {high}."
    said = " ".join(found_said(answer, ENGLISH))
    assert "Both were decided by repetition." in said
    assert "What gives way first: pages, which take too long." in said
    assert answer["decisions"] == 2
    assert "2 decisions were made by repetition; the risk that any is wrong is at most 11.8 %" in said  # each 1 / 17


def in_turn(held: Mapping[float, Sequence[bool]]) -> Callable[[float], Trial]:
    """Pretend load tests whose results are given rate by rate; the last one of a rate stays."""
    left = {rate: list(results) for rate, results in held.items()}

    def run_at(rate: float) -> Trial:
        mine = left[rate]
        return Trial(rate, held=mine.pop(0) if len(mine) > 1 else mine[0])

    return run_at


def until(number: int, run_at: Callable[[float], Trial]) -> Callable[[float], Trial]:
    """Pretend load tests of which somebody stops one by hand."""
    numbers = count(1)

    def stopped_at(rate: float) -> Trial:
        stopped = next(numbers) == number
        return replace(run_at(rate), valid=not stopped, stopped=stopped)

    return stopped_at


BEFORE = "before both were decided by repetition"
NEITHER = (
    "Perhaps between 20 and 40 families a second: 1 of 1 trials held at the lower rate, 0 of 1 at the higher; "
    "repetition did not decide."
)
ENDINGS = {
    "both ends are decided": (
        searched(up_to(37.0), Rules(start=20.0, tolerance=1.0)),
        "It holds at 20 families a second, and no longer at 40.",
        "Both were decided by repetition.",
    ),
    "neither end is decided": (searched(up_to(37.0), Rules(start=5.0, trials=4)), NEITHER, BEFORE),
    "the upper end is not decided": (
        searched(up_to(37.0), Rules(start=20.0, tolerance=1.0, trials=4)),
        "It holds at 20 families a second, and perhaps no longer at 40: there 0 of 1 trials held; repetition did not "
        "decide.",
        BEFORE,
    ),
    "the lower end is not decided": (
        searched(in_turn({40.0: [False], 20.0: [True, False], 10.0: [True]}), Rules(start=20.0, tolerance=1, trials=6)),
        "It does not hold at 20 families a second, and perhaps does at 10: there 2 of 2 trials held; repetition did "
        "not decide.",
        BEFORE,
    ),
    "the highest rate holds": (
        searched(up_to(1e9), Rules(start=5.0, most=20.0)),
        "It holds at 20 families a second; where it stops is not known.",
        "no more families",
    ),
    "no end is in sight": (
        searched(up_to(1e9), Rules(start=5.0, trials=3)),
        "Perhaps it holds at 20 families a second: there 1 of 1 trials held; repetition did not decide. Where it stops "
        "is not known.",
        BEFORE,
    ),
    "the generator is full": (
        searched(up_to(1e9, most=30.0), Rules(start=5.0)),
        "It holds at 28.3 families a second; where it stops is not known.",
        "generator could not keep up",
    ),
    "the lowest rate does not hold": (
        searched(up_to(0.0), Rules(start=4.0, least=2.0)),
        "Already at 2 families a second it does not hold.",
        "still does not hold",
    ),
    "none has held": (
        searched(up_to(0.0), Rules(start=4.0, trials=2)),
        "Perhaps already at 2 families a second it does not hold: there 0 of 1 trials held; repetition did not decide.",
        BEFORE,
    ),
    "none says anything": (searched(up_to(1.0, most=0.0), Rules(start=5.0)), "No rate could be judged.", BEFORE),
    "stopped by hand": (searched(until(5, up_to(37.0)), Rules(start=5.0)), NEITHER, "It was stopped by hand"),
}
"""Searches with the headline of each, and words of what is said below it."""


@pytest.mark.parametrize("ending", ENDINGS)
def test_each_end_of_a_search_has_a_page(ending: str, tmp_path: Path) -> None:
    """Also one that found nothing: no number is made up, and what repetition did not decide is not claimed."""
    found, line, words = ENDINGS[ending]
    assert headline(found, ENGLISH) == line
    assert any(words in sentence for sentence in found_said(found, ENGLISH))
    page = write_capacity_report(tmp_path, found, SCENARIO).read_text(encoding="utf-8")
    assert line in page
    holds, fails = found["confirmed"]
    claims = {
        "families a second still hold": holds or found["low"] is None,
        "families a second do not hold any more": fails or found["high"] is None,
        "What gives way first": fails and ending != "the lower end is not decided",  # these trials broke no bound
        "where it holds": holds and fails,
        "lies the knee;": holds and fails,
        "perhaps": False in [found[end] is None or sure for end, sure in (("low", holds), ("high", fails))],
    }
    assert {claim: claim in page for claim in claims} == claims


@pytest.mark.parametrize("ending", ENDINGS)
def test_each_end_of_a_search_is_told_in_chinese(ending: str) -> None:
    """The headline and what stands below it have no English left in them."""
    found, chinese = ENDINGS[ending][0], language_named("zh")
    said = " ".join([headline(found, chinese), *found_said(found, chinese)])
    assert not re.search("[A-Za-z]", said.replace("--workers", "")), said


def test_every_trial_is_a_dot_in_its_order(answer: dict[str, Any]) -> None:
    """Trials that held and those that did not differ in colour and in shape."""
    asked = {"kind": "capacity", "name": "town", "canbao": "0", "answer": answer}
    drawn = {chart.name: chart for chart in experiment_charts(Study(asked, {}, None, ENGLISH), WIDE)}
    assert list(drawn) == ["capacity-p95_s", "capacity-in_time_share", "capacity-trials"]
    dots = [mark for mark in drawn["capacity-trials"].plot.marks if isinstance(mark, Dot)]
    assert [(dot.x, dot.y) for dot in dots] == [(n, one["rate"]) for n, one in enumerate(answer["trials"], start=1)]
    looks = {(dot.colour, dot.shape): one["held"] for dot, one in zip(dots, answer["trials"], strict=True)}
    assert sorted(looks.values()) == [False, True]
    assert len(drawn["capacity-trials"].table.rows) == len(answer["trials"])


def test_the_page_opens_offline_and_escapes_what_users_write(answer: dict[str, Any], tmp_path: Path) -> None:
    """No script, nothing to fetch, both languages."""
    page = write_capacity_report(tmp_path, answer, SCENARIO).read_text(encoding="utf-8")
    assert "A &lt;town&gt;" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    chinese = write_capacity_report(tmp_path, answer, SCENARIO, language_named("zh")).read_text(encoding="utf-8")
    assert 'lang="zh' in chinese


def test_a_trial_says_why_it_did_not_hold(answer: dict[str, Any]) -> None:
    """Requests that fail, that are late, and promises of the review; one that says nothing has no reason."""
    figures = {"p95_s": 1.44, "failed_share": 0.02}
    trial = {"rate": 8.0, "held": False, "valid": True, "figures": figures, "missed": ["two-days"]}
    assert why_said(trial, answer, ENGLISH) == [
        "2.0 % of the requests failed",
        "1 of 20 requests took longer than 1.4 s",
        "the review missed two-days",
    ]
    line = trial_said(trial, 3, answer, ENGLISH)
    assert line.startswith("trial 3: 8 families a second: does not hold (2.0 % of the requests failed")
    assert trial_said({**trial, "valid": False}, 3, answer, ENGLISH).endswith("says nothing")


def test_the_command_prints_the_path_of_the_report(town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As every command does; trials are told on stderr while they run, and `--json` has everything."""

    def pretended(run_at: Callable[[float], Trial], rules: Rules, watch: Any) -> Any:
        return find_capacity(up_to(3.0), replace(rules, start=2.0), watch)

    monkeypatch.setattr(searching, "find_capacity", pretended)
    words = ["load", str(town), "--find-capacity", "--duration", "5 s", "--out", str(tmp_path), "--lang", "en"]
    said = CliRunner().invoke(program, words)
    assert said.exit_code == 0, said.output
    report = Path(said.stdout.strip().splitlines()[-1].removeprefix("Report: "))
    assert report.is_file()
    assert report.with_name("capacity.json").is_file()
    assert said.stderr.startswith("trial 1: 2 families a second: holds")
    told = json.loads(CliRunner().invoke(program, [*words, "--json"]).stdout)
    assert told["ended"] == "found"
    assert Path(told["report"]).is_file()
    quiet = CliRunner().invoke(program, [*words, "--quiet"])
    assert Path(quiet.stdout.strip()).is_file()


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """Give the file of a small scenario with a portal."""
    from canbao.scenario.source import to_toml
    from canbao.testing import SMALL

    choice, request = {"kind": "preference", "online_share": 1.0}, {"kind": "lognormal", "mean": "5 ms", "cv": 0.5}
    path = tmp_path / "town.toml"
    path.write_text(
        to_toml(
            {
                **SMALL,
                "choice": choice,
                "channels": {"portal": {"kind": "portal", "slots": 4, "backlog": 20, "request": request}},
            }
        ),
        encoding="utf-8",
    )
    return path
