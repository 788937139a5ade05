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

import lazy_loader

# Each name is imported when it is first asked for: to read a run takes nothing of what carries one out.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
