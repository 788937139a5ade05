"""Reports of load tests and of searches for capacity: written beside what they tell of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from canbao import __version__
from canbao.experiments.folder import REPORT, write_atomically
from canbao.languages import ENGLISH, Language
from canbao.report.experiments.page import render_experiment
from canbao.report.experiments.predicted import prediction_study
from canbao.report.experiments.study import Study

if TYPE_CHECKING:
    from canbao.runs import Run

__all__ = ["PAGE", "write_capacity_report", "write_prediction_report"]

PAGE = "compared.html"
"""The file of the report, in the folder of the load test."""


def write_prediction_report(measured: Run, answer: Mapping[str, Any], language: Language = ENGLISH) -> Path:
    """Write the report into the folder of a load test, and give its path.

    Raises
    ------
    StorageError
        When it cannot be written.
    """
    path = measured.folder / PAGE
    write_atomically(path, render_experiment(prediction_study(measured, answer, language)))
    return path


def write_capacity_report(
    folder: Path, answer: Mapping[str, Any], scenario: Mapping[str, Any], language: Language = ENGLISH
) -> Path:
    """Write the report into the folder of a search, and give its path.

    Parameters
    ----------
    folder
        Of the search.
    answer
        What `capacity.json` holds.
    scenario
        Its `name`, `title`, `seed`, and `command`, which does the same again.
    language
        The reader's.

    Raises
    ------
    StorageError
        When it cannot be written.
    """
    settings = {name: scenario[name] for name in ("seed", "target", "command") if scenario.get(name)}
    asked = {
        "kind": "capacity",
        "name": scenario["name"],
        "canbao": __version__,
        "settings": {**settings, "seconds a trial": answer["trial_s"], "search": folder.name},
        "answer": answer,
    }
    path = folder / REPORT
    write_atomically(path, render_experiment(Study(asked, {}, {"title": scenario["title"]}, language)))
    return path
