"""`--lang`, and the language of the locale."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Invoke = Callable[..., Result]

CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.mark.parametrize(
    ("locale", "options", "chinese"),
    [
        ("C.UTF-8", (), False),
        ("zh_CN.UTF-8", (), True),
        ("C.UTF-8", ("--lang", "zh"), True),
        ("zh_CN.UTF-8", ("--lang", "en"), False),
    ],
)
def test_the_answer_is_printed_in_the_language_that_is_asked_for(
    canbao: Invoke,
    scenario: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    locale: str,
    options: tuple[str, ...],
    chinese: bool,
) -> None:
    """`--lang` goes before the locale, for the answer on the terminal and for the report."""
    monkeypatch.setenv("LC_ALL", locale)
    result = canbao("run", scenario, "--out", tmp_path, *options)
    assert result.exit_code in (0, 3)
    said = [line for line in result.stdout.splitlines() if line.strip()]
    # The title of the scenario and the titles of its objectives are the user's.
    assert len([line for line in said if CHINESE.search(line)]) >= 8 if chinese else not CHINESE.search(result.stdout)
    report = next(tmp_path.glob("*/*/report.html")).read_text(encoding="utf-8")
    assert f"lang={'zh-CN' if chinese else 'en'}" in report
    assert said[-1].startswith("报告：" if chinese else "Report: ")


def test_a_stored_run_is_rendered_in_another_language(
    canbao: Invoke, scenario: Path, tmp_path: Path, answer_of: Callable[[Result], Any]
) -> None:
    """`canbao report RUN --lang zh` writes the report anew and leaves the rest of the run as it was."""
    folder = Path(answer_of(canbao("run", scenario, "--out", tmp_path, "--json"))["folder"])
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "report.html"}
    assert canbao("report", folder, "--lang", "zh").exit_code == 0
    assert "lang=zh-CN" in (folder / "report.html").read_text(encoding="utf-8")
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "report.html"} == before


def test_a_language_that_is_not_there_is_wrong_usage(canbao: Invoke, scenario: Path) -> None:
    """The message names the languages that there are."""
    result = canbao("run", scenario, "--lang", "xx")
    assert result.exit_code == 2
    assert "'en', 'zh'" in result.stderr
