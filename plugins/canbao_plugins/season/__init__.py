"""Demand: when families come.

- `season`: `Season`, the rushes of a collection period; newborns all year round; the school start.
- `procrastination`: who should come and puts it off, and until when.
- `reminders`: messages that make families come earlier.
- `replay`: `Replay`, arrivals as they stand in a file.
- `group`: what these have in common: some families, and the dates on which their channel can be used.
"""

from __future__ import annotations

from canbao_plugins.season.procrastination import Procrastination
from canbao_plugins.season.reminders import Reminder
from canbao_plugins.season.replay import Replay
from canbao_plugins.season.season import SchoolStart, Season

__all__ = ["Procrastination", "Reminder", "Replay", "SchoolStart", "Season"]
