"""For authors of plugins: checks that a plugin does what canbao relies on.

A test of a plugin is three lines::

    from canbao.testing import check_channel
    from kiosk import Kiosk

    def test_kiosk(): check_channel(Kiosk, {"machines": 2})

Each `check_…` takes a settings class and what a scenario file would say in it besides `kind`, lets a small district use
it for a season on the SimPy engine, and raises an AssertionError that names everything the plugin must change. It gives
the trace of that season, for tests of one's own. `check_plugin` takes a whole plugin and looks at its hooks;
`small_scenario` and `small_district` are there for tests of one's own.
"""

from __future__ import annotations

from canbao.testing.channels import check_channel
from canbao.testing.district import SMALL, small_district, small_scenario
from canbao.testing.formalities import check_formality
from canbao.testing.hooks import check_plugin, check_reporter
from canbao.testing.parts import (
    check_choice,
    check_demand,
    check_distribution,
    check_policy,
    check_population,
)

__all__ = [
    "SMALL",
    "check_channel",
    "check_choice",
    "check_demand",
    "check_distribution",
    "check_formality",
    "check_plugin",
    "check_policy",
    "check_population",
    "check_reporter",
    "small_district",
    "small_scenario",
]
