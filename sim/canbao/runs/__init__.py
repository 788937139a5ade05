"""Runs: one plan on one engine, stored in a folder `results/<scenario>/<run>/`.

======================  ================================================================================
manifest.json           what was run, when, with which versions and plugins, and how to repeat it
scenario.toml           the resolved scenario; it can be run again as it is and gives the same tables
families.parquet        what became of each family (`canbao.trace` says what the columns hold)
visits.parquet          each stay at a station
stations.parquet        the work of each station
summary.json            every measure
report.html             the report, and whatever other reporters write
inputs/                 copies of the files that the scenario reads, if it reads any
======================  ================================================================================

The tables of one scenario and seed are the same bytes in every process and from every folder.
"""

from __future__ import annotations

from canbao.runs.run import Run, read_run
from canbao.runs.running import Watch, render_again, run_scenario

__all__ = ["Run", "Watch", "read_run", "render_again", "run_scenario"]
