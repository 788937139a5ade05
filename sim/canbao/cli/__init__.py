"""The command line: `canbao run`, `scenario`, `plugins`, `report`, `verify`, and the commands of plugins.

Commands parse and print; functions that a notebook can call do the work. Exit codes: 0 fine, 1 an error in canbao or
around it, 2 wrong usage or a bad file, 3 an objective was missed, 130 interrupted.
"""

from __future__ import annotations

from canbao.cli.program import main, program

__all__ = ["main", "program"]
