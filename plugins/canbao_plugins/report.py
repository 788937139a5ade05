"""The report as one HTML file, written into the folder of every run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from canbao.languages import ENGLISH, Language

__all__ = ["write_report"]


def write_report(summary: Mapping[str, Any], folder: Path, language: Language = ENGLISH) -> Path:
    """Render the report of a run in a language and give its path."""
    from canbao.report import render  # jinja2 and the charts, which no other command needs

    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    path = folder / "report.html"
    # Beside it first, so that a report that cannot be written leaves the one before.
    fresh = path.with_suffix(".new")
    fresh.write_text(render(summary, manifest, language), encoding="utf-8")
    fresh.replace(path)
    return path
