"""What tests of the command line share: a small scenario, canbao in this process, and in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from canbao.cli import program
from canbao.scenario.source import to_toml
from canbao.testing import SMALL

Invoke = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[str]"]

# The charts of the report take seconds, and tests/report looks at them.
QUICK = """
import sys
import canbao.report
canbao.report.render = lambda summary, manifest, language: f"<p lang={language.tag}>{manifest['run']}</p>"
"""
AND_RUN = """
from canbao.cli import main
sys.exit(main())
"""


def small(**changes: Any) -> str:
    """Give a scenario of some hundred families as TOML."""
    return to_toml({**SMALL, "population": {"kind": "city", "residents": 300}, **changes})


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    """Give a file with a small scenario."""
    path = tmp_path / "village.toml"
    path.write_text(small(), encoding="utf-8")
    return path


@pytest.fixture
def canbao(monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Give a function that calls canbao in this process, with a report that takes no time."""
    import canbao.report

    def quick(summary: Any, manifest: Any, language: Any) -> str:
        return f"<p lang={language.tag}>{manifest['run']}</p>"

    monkeypatch.setattr(canbao.report, "render", quick)
    monkeypatch.setenv("CANBAO_NO_PLUGINS", "1")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.delenv("CANBAO_DEBUG", raising=False)
    runner = CliRunner()

    def invoke(*arguments: object) -> Result:
        result = runner.invoke(program, [str(argument) for argument in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert "Traceback" not in result.output
        return result

    return invoke


@pytest.fixture
def start() -> Start:
    """Give a function that starts canbao in a process of its own; `before` is Python code that comes first."""

    def started(*arguments: object, before: str = "", **more: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", QUICK + before + AND_RUN, *map(str, arguments)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, encoding="utf-8", **more)

    return started


@pytest.fixture
def text_of() -> Callable[..., str]:
    """Give the function that writes small scenarios."""
    return small


@pytest.fixture
def answer_of() -> Callable[[Result], Any]:
    """Give the function that reads what a command printed as JSON, and nothing else."""
    return lambda result: json.loads(result.stdout)
