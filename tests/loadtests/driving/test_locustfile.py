"""The locustfile, as people run it who know Locust."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

LOCUSTFILE = Path(__file__).parents[3] / "loadtests" / "locustfile.py"


def run(service: str, folder: Path, *options: str) -> dict[str, dict[str, str]]:
    """Run Locust for some seconds; give its table of requests by name."""
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--host", service, "--headless", "--only-summary"]
    command += ["-u", "4", "-r", "4", "-t", "2s", "--csv", str(folder / "answer"), *options]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    with (folder / "answer_stats.csv").open() as file:
        return {row["Name"]: row for row in csv.DictReader(file)}


def test_families_enrol_and_ask_how_they_stand(service: str, tmp_path: Path) -> None:
    """Every request is in Locust's own statistics, by the operation's name, and none fails."""
    table = run(service, tmp_path)
    assert {"register", "log_in", "enrol_child", "upload_paper", "submit", "progress"} <= set(table)
    assert table["Aggregated"]["Failure Count"] == "0"
    assert int(table["submit"]["Request Count"]) > 0
    assert int(table["upload_paper"]["Request Count"]) >= 4 * int(table["submit"]["Request Count"])
    assert float(table["Aggregated"]["Average Response Time"]) > 0


def test_tags_choose_what_is_done(service: str, tmp_path: Path) -> None:
    """With `--tags enrol` nobody asks how an application stands."""
    table = run(service, tmp_path, "--tags", "enrol")
    assert "submit" in table
    assert "progress" not in table
